import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const parent = mkdtempSync(join(tmpdir(), 'graphrun-start-'));
chmodSync(parent, 0o755);

describe('npm start -- --once', () => {
  it('runs the example, prints its jobs and tables, exits 0 and leaves no process', async () => {
    const env = { ...process.env, GRAPHRUN_HOME: join(parent, 'home'), PORT: '0' };
    const { stdout } = await promisify(execFile)(process.execPath, ['dev/main.ts', '--once'], {
      cwd: root,
      env,
    });
    for (const job of ['airports', 'routes', 'busiest', 'distances', 'summary']) {
      expect(stdout).toMatch(new RegExp(`^${job} +SUCCESS +1 +[0-9.]+ m?s$`, 'm'));
    }
    const [, first = ''] = /busiest: its first rows\n.*\n(.*)\n/.exec(stdout) ?? [];
    expect(first.split(' ')[0]).toBe(findBusiest());
    expect(stdout).toContain('distances: its first rows');
    expect(stdout).toContain('summary: its first rows');
    const { stdout: processes } = await promisify(execFile)('ps', ['-eo', 'args']);
    expect(processes.split('\n').filter((line) => line.includes(parent))).toEqual([]);
  });
});

/** Most departures and arrivals, counted over the CSV file alone. */
function findBusiest(): string {
  const file = join(root, 'node_modules/vega-datasets/data/flights-airport.csv');
  const rows: Record<string, string>[] = parse(readFileSync(file), { columns: true });
  const flights = new Map<string, number>();
  for (const row of rows) {
    for (const airport of [row.origin ?? '', row.destination ?? '']) {
      flights.set(airport, (flights.get(airport) ?? 0) + Number(row.count));
    }
  }
  const [busiest] = [...flights].sort(([, a], [, b]) => b - a)[0] ?? [''];
  return busiest;
}
