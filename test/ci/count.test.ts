import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'graphrun-count-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function report(
  name: string,
  numPassedTests: number,
  numFailedTests: number,
  testResults: unknown[] = [],
): string {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ numPassedTests, numFailedTests, testResults }));
  return file;
}

function count(...suites: readonly string[]): { line: string; said: string; status: number | null } {
  const { stdout, status } = spawnSync(process.execPath, ['.ci/count.mjs', ...suites], { encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  return { line: lines.at(-1) ?? '', said: lines.slice(0, -1).join('\n').trim(), status };
}

describe('the count of CI', () => {
  it('adds up all suites', () => {
    const [tests, faults] = [report('tests', 20, 0), report('faults', 5, 0)];
    expect(count('static checks=0', `${tests}=0`, `${faults}=0`)).toEqual({
      line: '26 passed, 0 failed',
      said: '',
      status: 0,
    });
  });

  it('fails with any test or check that failed', () => {
    const [tests, faults] = [report('tests', 20, 0), report('faults', 4, 1)];
    expect(count('static checks=0', `${tests}=0`, `${faults}=1`)).toMatchObject({
      line: '25 passed, 1 failed',
      status: 1,
    });
    expect(count('static checks=1', `${tests}=0`)).toEqual({
      line: '20 passed, 1 failed',
      said: 'FAILED static checks',
      status: 1,
    });
  });

  it('fails with a suite that failed without a failed test, or left no report', () => {
    const broken = report('broken', 3, 0);
    expect(count(`${broken}=1`)).toEqual({
      line: '3 passed, 1 failed',
      said: `FAILED ${broken}: the suite ended with an error and no failed test`,
      status: 1,
    });
    expect(count(`${join(folder, 'none.json')}=1`)).toMatchObject({ line: '0 passed, 1 failed', status: 1 });
    expect(count(`${join(folder, 'none.json')}=0`)).toMatchObject({ line: '0 passed, 1 failed', status: 1 });
  });

  it('names each failed test and says what it said, right before the count', () => {
    const test = (fullName: string, ...failureMessages: string[]) => ({
      fullName,
      status: failureMessages.length === 0 ? 'passed' : 'failed',
      failureMessages,
    });
    const tests = report('named', 1, 2, [
      {
        name: 'a.test.ts',
        status: 'failed',
        message: '',
        assertionResults: [test('runs'), test('ends', 'was 3')],
      },
      { name: 'b.test.ts', status: 'failed', message: 'no such file', assertionResults: [] },
    ]);
    expect(count(`${tests}=1`)).toEqual({
      line: '1 passed, 2 failed',
      said: 'FAILED a.test.ts > ends\nwas 3\n\nFAILED b.test.ts\nno such file',
      status: 1,
    });
  });
});
