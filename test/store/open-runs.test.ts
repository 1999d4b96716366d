import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import type { GraphEnd } from '../../graph/states.ts';
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
const { execution } = store;
const success = { state: 'SUCCESS', reason: null } as const;
const openRun = useRuns(store);
await pushNoops(store, 'p', { a: [], b: ['a'] });

describe('taking a run', () => {
  it('lets one of two executions have it, and the same one ask again', async () => {
    const { request, opened } = await openRun();
    expect(opened.outcome).toBe('opened');
    expect((await execution.openGraphRun(request)).outcome).toBe('opened');
    const other = { ...request, identity: { ...request.identity, runId: 'another' } };
    expect(await execution.openGraphRun(other)).toMatchObject({
      outcome: 'lost',
      message: expect.stringContaining('carried out'),
    });
  });

  it('lets exactly one of ten that come at once have it', async () => {
    const run = await store.graphRuns.create({ project: 'p', params: {}, select: null, actor: 'test' });
    const known = { graphRunId: run.id, epoch: 1 };
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) => {
        const identity = {
          workflowId: run.workflowId,
          runId: `racer-${index}`,
          firstExecutionRunId: `racer-${index}`,
        };
        return execution.openGraphRun({
          identity,
          known,
          project: 'p',
          params: {},
          select: null,
          actor: 'test',
        });
      }),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'opened')).toHaveLength(1);
  });
});

describe('opening and closing runs', () => {
  it('takes and ends many at once, and tells of each once', async () => {
    const runs = await Promise.all(Array.from({ length: 8 }, openRun));
    expect(runs.map(({ opened }) => opened.outcome)).toEqual(runs.map(() => 'opened'));
    const end = { state: 'SUCCESS', reason: null } as const;
    const close = (runId: string) =>
      execution.closeGraphRun({ runId, end, error: null, settle: [], actor: 'test' }, async () => new Map());
    await Promise.all([...runs, ...runs].map(({ runId }) => close(runId)));
    const told = await sql.query<{ state: string; count: number }>(
      `SELECT state, count(*)::int FROM event WHERE graph_run_id = ANY ($1::uuid[]) GROUP BY state ORDER BY state`,
      [runs.map(({ id }) => id)],
    );
    expect(told).toEqual(['PENDING', 'RUNNING', 'SUCCESS'].map((state) => ({ state, count: 8 })));
    for (const { id } of runs) {
      expect(await store.graphRuns.get(id)).toMatchObject({
        state: 'SUCCESS',
        tasks: [{ closedAt: expect.any(String) }],
      });
    }
  });

  it('answers with the end that is recorded, whatever else is asked for later', async () => {
    const run = await openRun();
    const success = { state: 'SUCCESS', reason: null } as const;
    const cancelled = { state: 'FAILED', reason: 'cancelled' } as const;
    const settle = [{ jobRunId: run.job('a'), end: cancelled, error: null }];
    const close = (end: GraphEnd, jobs: typeof settle) =>
      execution.closeGraphRun(
        { runId: run.runId, end, error: null, settle: jobs, actor: 'test' },
        async () => new Map(),
      );
    expect(await close(success, [])).toEqual(success);
    expect(await close(cancelled, [])).toEqual(success);
    expect(await close(cancelled, settle)).toEqual(success);
    expect(await store.graphRuns.get(run.id)).toMatchObject(success);
  });

  it('takes a run whose execution the watch claims at the same time, and others with it', async () => {
    const [claimed, other] = await Promise.all([makeRun('claimed'), makeRun('beside')]);
    const claim = new pg.Client({ connectionString: databaseUrl });
    await claim.connect();
    try {
      // As \`claimUnopened\` does it: the row is locked, and unchanged.
      await claim.query('BEGIN');
      await claim.query('SELECT FROM graph_run WHERE id = $1 FOR UPDATE', [claimed.known.graphRunId]);
      await claim.query(
        `INSERT INTO task (run_id, workflow_id, first_execution_run_id, graph_run_id, epoch, opened_by)
         VALUES ($1, $2, $1, $3, 1, 'watch')`,
        [claimed.identity.runId, claimed.identity.workflowId, claimed.known.graphRunId],
      );
      const opening = Promise.all([claimed, other].map((request) => execution.openGraphRun(request)));
      await until(async () => {
        const waiting = await sql.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return waiting.length > 0 ? true : undefined;
      }, 'opening waits for the claim');
      await claim.query('COMMIT');
      expect((await opening).map(({ outcome }) => outcome)).toEqual(['opened', 'opened']);
    } finally {
      await claim.end();
    }
    const { state, tasks } = await store.graphRuns.get(claimed.known.graphRunId);
    expect({ state, tasks: tasks.map(({ runId }) => runId) }).toEqual({
      state: 'RUNNING',
      tasks: ['claimed'],
    });
  });

  async function makeRun(runId: string) {
    const run = await store.graphRuns.create({ project: 'p', params: {}, select: null, actor: 'test' });
    const identity = { workflowId: run.workflowId, runId, firstExecutionRunId: runId };
    const known = { graphRunId: run.id, epoch: 1 };
    return { identity, known, project: 'p', params: {}, select: null, actor: 'test' };
  }

  it('takes none whose row somebody else has ended', async () => {
    const run = await store.graphRuns.create({ project: 'p', params: {}, select: null, actor: 'test' });
    await sql.query(
      `UPDATE graph_run SET state = 'FAILED', reason = 'cancelled', completed_at = now() WHERE id = $1`,
      [run.id],
    );
    const identity = { workflowId: run.workflowId, runId: 'late', firstExecutionRunId: 'late' };
    const known = { graphRunId: run.id, epoch: 1 };
    const request = { identity, known, project: 'p', params: {}, select: null, actor: 'test' };
    expect(await execution.openGraphRun(request)).toMatchObject({ outcome: 'lost' });
  });
});

describe('a run that goes on in a new execution', () => {
  const handOver = (first: string, to: string, from: string) =>
    execution.handOver({
      identity: { workflowId: 'any', runId: to, firstExecutionRunId: first },
      continuedFrom: from,
      actor: 'test',
    });

  it('is carried out by that one from then on, at the same epoch, with what has ended', async () => {
    const { id, runId, request, job } = await openRun();
    const settle = { runId, jobs: [{ jobRunId: job('a'), end: success, error: null }], actor: 'test' };
    await execution.settle(settle, async () => new Map());
    const next = { ...request.identity, runId: `${runId}-next` };
    const opened = await execution.openGraphRun({ ...request, identity: next, continuedFrom: runId });
    expect(opened).toMatchObject({ outcome: 'opened', kept: { succeeded: [0], skipped: [], failed: [] } });
    expect((await store.graphRuns.get(id)).tasks).toMatchObject([
      { runId, epoch: 1, closedAt: expect.any(String) },
      { runId: next.runId, epoch: 1, closedAt: null },
    ]);
    // The one before has nothing to say any more.
    const late = { ...settle, jobs: [{ jobRunId: job('b'), end: success, error: null }] };
    await execution.settle(late, async () => new Map());
    expect((await store.graphRuns.get(id)).jobCounts).toMatchObject({ SUCCESS: 1, PENDING: 1 });
  });

  it('is handed over once, and to nobody but its own workflow', async () => {
    const { runId } = await openRun();
    expect(await handOver('another-chain', 'stranger', runId)).toBe(false);
    const all = await Promise.all(['x', 'y', 'z'].map((to) => handOver(runId, `${runId}-${to}`, runId)));
    expect(all.filter((isTaken) => isTaken)).toHaveLength(1);
    expect(await handOver(runId, `${runId}-reset`, runId)).toBe(false);
  });

  it('is not once it has ended', async () => {
    const { runId } = await openRun();
    const close = { runId, end: success, error: null, settle: [], actor: 'test' };
    await execution.closeGraphRun(close, async () => new Map());
    expect(await handOver(runId, `${runId}-next`, runId)).toBe(false);
  });
});
