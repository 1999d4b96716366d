import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countSql } from '../../bench/sql-counts.ts';
import type { JobView } from '../../graph/resources.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const sqlCounts = countSql();

const actor = 'test';
const keys = ['a', 'b', 'c'];

interface RunRow {
  readonly id: string;
  readonly key: string;
  readonly state: JobView['state'];
  readonly reason: JobView['reason'];
  readonly created_at: Date;
}

/** What psql can do to a row: each with the times that its state needs. */
const changes = [
  `state = 'FAILED', reason = 'lost', completed_at = now()`,
  `state = 'SUCCESS', reason = 'skipped', completed_at = now()`,
  `state = 'RUNNING', reason = NULL, started_at = now(), completed_at = NULL`,
  `state = 'PENDING', reason = NULL, started_at = NULL, completed_at = NULL`,
];

/** The same answer by other means: all rows are read, and the latest of each job is found here. */
async function expectedStates(project: string): Promise<Pick<JobView, 'key' | 'state' | 'reason'>[]> {
  const rows = await sql.query<RunRow>(
    `SELECT r.id, j.key, r.state, r.reason, r.created_at FROM job_run r
     JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id WHERE p.name = $1`,
    [project],
  );
  return keys.map((key) => {
    const [latest] = rows
      .filter((row) => row.key === key)
      .sort((a, b) => b.created_at.getTime() - a.created_at.getTime() || (b.id < a.id ? -1 : 1));
    return { key, state: latest?.state ?? null, reason: latest?.reason ?? null };
  });
}

async function shownStates(project: string) {
  return (await store.jobs.list(project)).map(({ key, state, reason }) => ({ key, state, reason }));
}

async function startRun(project: string): Promise<string> {
  return (await store.graphRuns.create({ project, params: {}, select: null, actor })).id;
}

async function queriesOf(ask: () => Promise<unknown>): Promise<number> {
  const before = sqlCounts().statements;
  await ask();
  return sqlCounts().statements - before;
}

describe('the state of a job', () => {
  beforeAll(async () => {
    await pushNoops(store, 'shown', { a: [], b: ['a'], c: ['b'] });
    await startRun('shown');
    await store.jobRuns.create({ project: 'shown', job: 'b', actor });
    await startRun('shown');
    await store.jobRuns.create({ project: 'shown', job: 'c', actor });
  });

  it('is that of the latest run by creation, alone or in a graph run, after any UPDATE of any row', async () => {
    const rows = await sql.query<{ id: string }>('SELECT id FROM job_run ORDER BY created_at DESC, id');
    expect(rows).toHaveLength(8);
    for (const change of changes) {
      for (const { id } of rows) {
        await sql.query(`UPDATE job_run SET ${change} WHERE id = $1`, [id]);
        expect(await shownStates('shown')).toEqual(await expectedStates('shown'));
      }
    }
  });

  it('names the run that it is the state of', async () => {
    const lone = await store.jobRuns.create({ project: 'shown', job: 'a', actor });
    const { createdAt } = await store.jobRuns.get(lone.id);
    expect(await store.jobs.get('shown', 'a')).toMatchObject({ lastRunId: lone.id, lastRunAt: createdAt });
  });

  it('stays that of the newer run when an older one is taken up again', async () => {
    const older = await startRun('shown');
    const newer = await startRun('shown');
    const end = `SET state = 'FAILED', reason = 'error', completed_at = now() WHERE graph_run_id = $1`;
    await sql.query(`UPDATE job_run ${end}`, [newer]);
    await sql.query(
      `UPDATE job_run SET state = 'RUNNING', epoch = 2, started_at = now(), updated_by = 'late' WHERE graph_run_id = $1`,
      [older],
    );
    expect(await shownStates('shown')).toEqual(
      keys.map((key) => ({ key, state: 'FAILED', reason: 'error' })),
    );
  });

  it('is null before the first run', async () => {
    await pushNoops(store, 'fresh', { a: [] });
    expect(await store.jobs.list('fresh')).toMatchObject([{ key: 'a', state: null, lastRunId: null }]);
  });

  it('is shown for jobs of the current graph only, in topological order', async () => {
    await pushNoops(store, 'changed', { gone: [], last: ['first'], first: [] });
    await startRun('changed');
    await pushNoops(store, 'changed', { last: ['added'], added: ['first'], first: [] });
    expect(await store.jobs.list('changed')).toMatchObject([
      { key: 'first', state: 'PENDING', kind: 'noop', dependsOn: [], outputs: [] },
      { key: 'added', state: null, dependsOn: ['first'] },
      { key: 'last', state: 'PENDING', dependsOn: ['added'] },
    ]);
    await expect(store.jobs.get('changed', 'gone')).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
  });

  it('is asked for with one query, whether all jobs are listed or one is shown', async () => {
    expect(await queriesOf(() => store.jobs.list('shown'))).toBe(1);
    expect(await queriesOf(() => store.jobs.get('shown', 'a'))).toBe(1);
  });

  it('of a project that nobody made, or that has no graph, is told apart', async () => {
    await expect(store.jobs.list('nobody')).rejects.toMatchObject({ code: 'PROJECT_UNKNOWN' });
    await expect(store.jobs.get('nobody', 'a')).rejects.toMatchObject({ code: 'PROJECT_UNKNOWN' });
    await store.projects.create({ name: 'bare', timezone: 'UTC', actor });
    expect(await store.jobs.list('bare')).toEqual([]);
    await expect(store.jobs.get('bare', 'a')).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
  });
});

describe('the state of a project', () => {
  it('is that of its latest run by creation, after any UPDATE of any row', async () => {
    await pushNoops(store, 'whole', { a: [] });
    expect(await store.projects.get('whole')).toMatchObject({ state: null, version: 1 });
    const older = await startRun('whole');
    const newer = await startRun('whole');
    await sql.query(
      `UPDATE graph_run SET state = 'FAILED', reason = 'lost', completed_at = now() WHERE id = $1`,
      [older],
    );
    expect(await store.projects.get('whole')).toMatchObject({ state: 'PENDING' });
    await sql.query(
      `UPDATE graph_run SET state = 'SUCCESS', started_at = now(), completed_at = now() WHERE id = $1`,
      [newer],
    );
    await sql.query(
      `UPDATE graph_run SET state = 'RUNNING', reason = NULL, epoch = 2, started_at = now(), completed_at = NULL WHERE id = $1`,
      [older],
    );
    expect(await store.projects.get('whole')).toMatchObject({ state: 'SUCCESS' });
  });

  it('does not follow a job that is run alone', async () => {
    await pushNoops(store, 'apart', { a: [] });
    await store.jobRuns.create({ project: 'apart', job: 'a', actor });
    expect(await store.projects.get('apart')).toMatchObject({ state: null });
  });

  it('is asked for with one query for all projects of a page', async () => {
    expect(await queriesOf(() => store.projects.list({ limit: 100 }))).toBe(1);
  });
});
