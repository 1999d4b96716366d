import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'graphrun-count-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function report(name: string, numPassedTests: number, numFailedTests: number): string {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ numPassedTests, numFailedTests }));
  return file;
}

function count(...suites: readonly string[]): { line: string; status: number | null } {
  const { stdout, status } = spawnSync(process.execPath, ['.ci/count.mjs', ...suites], { encoding: 'utf8' });
  return { line: stdout.trim(), status };
}

describe('the count of CI', () => {
  it('adds up all suites', () => {
    const [tests, faults] = [report('tests', 20, 0), report('faults', 5, 0)];
    expect(count('static checks=0', `${tests}=0`, `${faults}=0`)).toEqual({
      line: '26 passed, 0 failed',
      status: 0,
    });
  });

  it('fails with any test or check that failed', () => {
    const [tests, faults] = [report('tests', 20, 0), report('faults', 4, 1)];
    expect(count('static checks=0', `${tests}=0`, `${faults}=1`)).toEqual({
      line: '25 passed, 1 failed',
      status: 1,
    });
    expect(count('static checks=1', `${tests}=0`)).toEqual({ line: '20 passed, 1 failed', status: 1 });
  });

  it('fails with a suite that failed without a failed test, or left no report', () => {
    expect(count(`${report('broken', 3, 0)}=1`)).toEqual({ line: '3 passed, 1 failed', status: 1 });
    expect(count(`${join(folder, 'none.json')}=1`)).toEqual({ line: '0 passed, 1 failed', status: 1 });
    expect(count(`${join(folder, 'none.json')}=0`)).toEqual({ line: '0 passed, 1 failed', status: 1 });
  });
});
