import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import type { HistoryEnd, RecordedOutput } from '../../graph/transitions.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useRuns } from './runs.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const openRun = useRuns(store);
await pushNoops(store, 'p', { a: [], b: ['a'] });

type Run = Awaited<ReturnType<typeof openRun>>;

const outputOf = (text: string): RecordedOutput => ({ text, bytes: text.length, hash: `hash of ${text}` });

async function succeed(run: Run, key: string, runId: string, text: string): Promise<void> {
  const subject = { jobRunId: run.job(key), project: 'p', job: key, graphRunId: run.id };
  const write = { subject, fence: { runId, scheduledAtMs: 1_000 }, worker: 'w1', at: new Date() };
  await store.recorder.start({ ...write, isFirst: false, needsToken: false, isAwaited: true });
  await store.recorder.end({ ...write, end: { kind: 'success', output: outputOf(text) } });
}

/** Takes a reset of the run over whose history begins with these ends. */
async function adopt(run: Run, runId: string, kept: ReadonlyMap<string, HistoryEnd> = new Map()) {
  const identity = { ...run.request.identity, runId };
  const epoch = (await store.execution.epochOf(identity)) ?? 0;
  return store.execution.adopt(
    { identity, kept, asked: new Map(), epoch, actor: 'test' },
    async () => new Map(),
  );
}

/** What a history tells of a job that succeeded in an execution. */
function told(recordedIn: string, text: string, travelled = true): HistoryEnd {
  const output = outputOf(text);
  const end = { state: 'SUCCESS', reason: null } as const;
  return { end, error: null, recordedIn, hash: output.hash, ...(travelled && { output }) };
}

async function rowOf(run: Run, key: string) {
  const [row] = await sql.query(
    'SELECT state, reason, output, epoch, attempts, completed_at FROM job_run WHERE id = $1',
    [run.job(key)],
  );
  return row;
}

describe('jobs that the history of a reset tells of', () => {
  it('are kept as they are where the row says the same', async () => {
    const run = await openRun();
    await succeed(run, 'a', run.runId, '1');
    const before = await rowOf(run, 'a');
    await adopt(run, `${run.runId}-2`, new Map([['a', told(run.runId, '1')]]));
    expect(await rowOf(run, 'a')).toEqual(before);
  });

  it('are given their end again where another output was recorded since', async () => {
    const run = await openRun();
    await succeed(run, 'a', run.runId, '1');
    const before = await rowOf(run, 'a');
    await adopt(run, `${run.runId}-2`);
    await succeed(run, 'a', `${run.runId}-2`, '22');
    expect(await rowOf(run, 'a')).toMatchObject({ output: '22', epoch: 2 });
    await adopt(run, `${run.runId}-3`, new Map([['a', told(run.runId, '1')]]));
    // As its first attempt left it: a job that was kept, of an epoch before the run's.
    expect(await rowOf(run, 'a')).toEqual({ ...before, attempts: 2 });
    expect(await rowOf(run, 'b')).toMatchObject({ state: 'PENDING', epoch: 3 });
    expect(await store.graphRuns.get(run.id)).toMatchObject({ state: 'RUNNING', epoch: 3 });
  });

  it('are kept where an output that is not in the history is the same', async () => {
    const run = await openRun();
    await succeed(run, 'a', run.runId, '1');
    await adopt(run, `${run.runId}-2`, new Map([['a', told(run.runId, '1', false)]]));
    expect(await rowOf(run, 'a')).toMatchObject({ state: 'SUCCESS', output: '1', epoch: 1 });
  });
});

describe('a run that is reset while its project is deleted', () => {
  async function waitsForLock(count: number): Promise<void> {
    await until(async () => {
      const found = await sql.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return found.length >= count ? true : undefined;
    }, `${count} statements wait for a lock`);
  }

  async function endedRun(project: string) {
    await pushNoops(store, project, { a: [] });
    const run = await store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });
    const runId = `run-of-${project}`;
    const identity = { workflowId: run.workflowId, runId, firstExecutionRunId: runId };
    const known = { graphRunId: run.id, epoch: 1 };
    const request = { identity, known, project, params: {}, select: null, actor: 'test' };
    await store.execution.openGraphRun(request);
    const end = { state: 'FAILED', reason: 'terminated' } as const;
    const ended = { runId, end, error: null, jobs: new Map(), rest: 'terminated', actor: 'test' } as const;
    await store.execution.endTask(ended, async () => new Map());
    const identityOfReset = { ...identity, runId: `${runId}-2` };
    const adoption = {
      identity: identityOfReset,
      kept: new Map(),
      asked: new Map(),
      epoch: 1,
      actor: 'test',
    };
    return { id: run.id, adopt: () => store.execution.adopt(adoption, async () => new Map()) };
  }

  it('keeps the project when the reset came first', async () => {
    const run = await endedRun('first-reset');
    const other = new pg.Client({ connectionString: databaseUrl });
    await other.connect();
    try {
      await other.query('BEGIN');
      await other.query('SELECT FROM graph_run WHERE id = $1 FOR UPDATE', [run.id]);
      const adopted = run.adopt();
      await waitsForLock(1);
      const removed = store.projects.remove('first-reset', 'test').then(
        () => 'removed',
        ({ code }) => code,
      );
      await waitsForLock(2);
      await other.query('ROLLBACK');
      expect(await adopted).toEqual({ outcome: 'adopted', epoch: 2 });
      expect(await removed).toBe('PROJECT_HAS_OPEN_RUNS');
    } finally {
      await other.end();
    }
    expect(await store.graphRuns.get(run.id)).toMatchObject({ state: 'RUNNING', epoch: 2 });
  });

  it('is not known any more when the delete came first', async () => {
    const run = await endedRun('first-delete');
    await store.projects.remove('first-delete', 'test');
    expect(await run.adopt()).toEqual({ outcome: 'stranger' });
  });
});
