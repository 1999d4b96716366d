import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll } from 'vitest';
import type { AppOptions } from '../../api/app.ts';
import { runCli } from '../../cli/run-cli.ts';
import type { GraphEnd, JobEnd } from '../../graph/states.ts';
import { jobRunIdOf, type Store } from '../../store/index.ts';
import type { RunToStart } from '../../store/store.ts';
import { type TestApi, useApi } from '../api/test-api.ts';

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestCli extends TestApi {
  readonly url: string;
  /** A folder of this file's tests. */
  readonly dir: string;
  /** Writes a file into it; its path. */
  write(name: string, content: string): string;
  /** Runs a command line with the editor's key; other variables in `env` take its place. */
  run(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
    interrupted?: AbortSignal,
  ): Promise<Said>;
}

/** The CLI, in this process, against a listening API on a database of its own. */
export async function useCli(options: Partial<AppOptions> = {}): Promise<TestCli> {
  const api = await useApi(options);
  const url = await api.app.listen({ port: 0, host: '127.0.0.1' });
  const dir = mkdtempSync(join(tmpdir(), 'graphrun-cli-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const known = { GRAPHRUN_API_URL: url, GRAPHRUN_API_KEY: api.keys.editor };
  const run: TestCli['run'] = async (args, env = known, interrupted = new AbortController().signal) => {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const code = await runCli(args, {
      stdout,
      stderr,
      env,
      cwd: dir,
      packageDir: join(dir, 'package'),
      interrupted,
    });
    return { code, stdout: await textOf(stdout), stderr: await textOf(stderr) };
  };
  const write = (name: string, content: string) => {
    const path = join(dir, name);
    writeFileSync(path, content);
    return path;
  };
  return { ...api, url, dir, write, run };
}

/** What a worker would do with a run, at once: all its jobs end in one way, and the run with them. */
export async function carryOut(
  store: Store,
  run: RunToStart,
  jobs: Readonly<Record<string, JobEnd>>,
): Promise<void> {
  const actor = 'test';
  const runId = `execution-of-${run.id}`;
  await store.execution.openGraphRun({
    identity: { workflowId: run.workflowId, runId, firstExecutionRunId: runId },
    known: { graphRunId: run.id, epoch: 1 },
    project: run.project,
    params: {},
    select: null,
    actor,
  });
  const ends = Object.values(jobs);
  const cancelled = ends.some(({ reason }) => reason === 'cancelled');
  const end: GraphEnd = ends.some(({ state }) => state === 'FAILED')
    ? { state: 'FAILED', reason: cancelled ? 'cancelled' : 'job_failed' }
    : { state: 'SUCCESS', reason: null };
  const settle = Object.entries(jobs).map(([key, jobEnd]) => {
    const hasError = jobEnd.state === 'FAILED' && jobEnd.reason !== 'upstream_failed';
    const error = hasError
      ? { type: 'CodedError', code: 'CSV_INVALID' as const, message: 'line 3: what a mess' }
      : null;
    return { jobRunId: jobRunIdOf(run.id, key), end: jobEnd, error };
  });
  await store.execution.closeGraphRun({ runId, end, error: null, settle, actor }, async () => new Map());
}

async function textOf(stream: PassThrough): Promise<string> {
  stream.end();
  return (await stream.setEncoding('utf8').toArray()).join('');
}
