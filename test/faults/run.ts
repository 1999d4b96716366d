// `npm run test:faults`: the whole fault suite, once or several times, with a table of what was measured.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeReliability, type FaultResult, type Rounds, summarize, toTable } from './report.ts';

const usage = `Runs the fault suite: real processes, real kills.

Usage: npm run test:faults [-- OPTIONS]

  --repeat N      runs it N times; 1 unless told
  --at-once N     so many files at once, each on a stack of its own; 1 unless told
  --only PATTERN  only the tests whose titles match
  --report        writes docs/reliability.md
  --json FILE     writes vitest's JSON report of the last round
`;

const root = join(import.meta.dirname, '..', '..');

process.exit(await main());

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) return 2;
  const folder = mkdtempSync(join(tmpdir(), 'graphrun-faults-'));
  const file = options.json ?? join(folder, 'report.json');
  const results: FaultResult[] = [];
  let failed = 0;
  try {
    for (let round = 1; round <= options.repeat; round += 1) {
      if (options.repeat > 1) process.stdout.write(`\nround ${round} of ${options.repeat}\n`);
      if ((await runVitest(file, options)) !== 0) failed += 1;
      results.push(...readResults(file));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const summary = summarize(results);
  process.stdout.write(`\n${toTable(summary)}\n`);
  if (options.report) {
    writeFileSync(join(root, 'docs', 'reliability.md'), describeReliability(summary, options));
    process.stdout.write('\nwritten to docs/reliability.md\n');
  }
  return failed === 0 && results.length > 0 ? 0 : 1;
}

interface Options extends Rounds {
  readonly only?: string;
  readonly report: boolean;
  readonly json?: string;
}

function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        repeat: { type: 'string', default: '1' },
        'at-once': { type: 'string', default: '1' },
        only: { type: 'string' },
        report: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    const { only, json, report } = values;
    const repeat = readCount('repeat', values.repeat);
    const atOnce = readCount('at-once', values['at-once']);
    if (!values.help) return { repeat, atOnce, report, ...(only && { only }), ...(json && { json }) };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n`);
  }
  process.stderr.write(usage);
  return undefined;
}

function readCount(name: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new Error(`--${name} is "${text}"; expected 1 or more`);
}

function runVitest(file: string, { only, atOnce }: Options): Promise<number | null> {
  const args = ['run', '--config', 'vitest.faults.config.ts', '--reporter=default', '--reporter=json'];
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...[...args, `--outputFile.json=${file}`],
      ...(only === undefined ? [] : ['--testNamePattern', only]),
      ...(atOnce === 1 ? [] : ['--fileParallelism', `--maxWorkers=${atOnce}`]),
    ],
    { cwd: root, stdio: 'inherit' },
  );
  return new Promise((resolve) => child.once('exit', resolve));
}

interface VitestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly meta: { readonly fault?: { readonly rows: string; readonly ms?: number } };
    }[];
  }[];
}

function readResults(file: string): FaultResult[] {
  const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
  return report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.flatMap(({ title, status, meta }) => {
      if (!meta.fault || !['passed', 'failed'].includes(status)) return [];
      return [{ title, rows: meta.fault.rows, passed: status === 'passed', ms: meta.fault.ms ?? null }];
    }),
  );
}
