// Runs of a project whose jobs need slots of pools, and what they are granted, by the store alone.
import { afterAll, beforeEach } from 'vitest';
import { createStore, type Granted } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushPooled } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';
import { useRuns } from './runs.ts';

export const actor = 'test';
export const nothing = async () => new Map<string, string>();

/** Pools `db` with one slot and `api` with two; jobs `a`, `b` of the one, `both` of both, `none` of none. */
export async function usePools() {
  const { databaseUrl } = await useDatabases();
  const granted: Granted[] = [];
  const store = createStore({ databaseUrl, onGranted: (more) => granted.push(more) });
  afterAll(() => store.close());
  const sql = await useSql(databaseUrl);
  const { pools, execution } = store;
  const makeRun = useRuns(store);
  const put = (name: string, slots: number) => pools.put({ name, slots, description: 'x', actor });
  await put('db', 1);
  await put('api', 2);
  await pushPooled(store, 'p', { a: { db: 1 }, b: { db: 1 }, both: { db: 1, api: 2 }, none: {} });
  beforeEach(() => {
    granted.length = 0;
  });

  const ask = async ({ runId, job }: Run, ...jobs: string[]) => {
    const jobRunIds = jobs.map(job);
    const asked = await execution.askForSlots({ runId, jobRunIds, actor });
    if (asked.outcome === 'lost') return asked;
    return { outcome: asked.outcome, granted: jobRunIds.filter((id) => !asked.waiting.has(id)) };
  };
  const settle = ({ runId, job }: Run, ...jobs: string[]) => {
    const end = { state: 'FAILED', reason: 'cancelled' } as const;
    const told = jobs.map((key) => ({ jobRunId: job(key), end, error: null }));
    return execution.settle({ runId, jobs: told, actor }, nothing);
  };
  const close = async (run: Run) => {
    await settle(run, 'a', 'b', 'both', 'none');
    const end = { state: 'FAILED', reason: 'cancelled' } as const;
    await execution.closeGraphRun({ runId: run.runId, end, error: null, settle: [], actor }, nothing);
  };
  const heard = () => granted.flatMap(({ jobs }) => jobs.map(({ jobRunId }) => jobRunId));
  const states = async () =>
    (await pools.list()).map(({ name, held, waiting }) => `${name}: ${held} held, ${waiting} waiting`);
  return { databaseUrl, store, sql, makeRun, put, ask, settle, close, heard, states };
}

export type Run = Awaited<ReturnType<ReturnType<typeof useRuns>>>;
