// Thousands of runs of one project, and one of another.
import { afterAll, describe, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import type { RunToStart } from '../../store/store.ts';
import { startPending } from '../../watch/start-pending.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const many = 3_000;
const later = () => new Date(Date.now() + 60_000);

/** As the API makes them, without its jobs. */
async function insertRuns(project: string, count: number, reason: 'slot' | null): Promise<void> {
  await sql.query(
    `INSERT INTO graph_run (id, project_id, project_name, version, origin, workflow_id, created_by, updated_by, reason, line_number)
     SELECT n.id, p.id, p.name, 1, 'api', 'graph-run/' || n.id || '/1', 'test', 'test', $3::text,
       CASE WHEN $3::text IS NOT NULL THEN nextval('line_number') END
     FROM project p, (SELECT gen_random_uuid() AS id FROM generate_series(1, $2::int)) n WHERE p.name = $1`,
    [project, count, reason],
  );
  if (reason === 'slot') await sql.query('UPDATE project SET has_line = true WHERE name = $1', [project]);
}

/** The projects of what one turn of the watch starts. */
async function startsOfTurn(start: (run: RunToStart) => Promise<string> = async ({ id }) => id) {
  const started: string[] = [];
  await startPending({
    store,
    starter: {
      startGraphRun: async (run) => {
        const firstExecutionRunId = await start(run);
        started.push(run.project);
        return firstExecutionRunId;
      },
      startJobRun: () => Promise.reject(new Error('none is there')),
    },
    temporal: { describeNewest: async () => null },
    actor: 'watch',
    before: later(),
    signal: new AbortController().signal,
    onStarted: () => {},
    onError: () => {},
  });
  return started;
}

describe('a project with thousands of runs', () => {
  it('that are to be started lets those of others begin in the same turn', async () => {
    await pushNoops(store, 'many', { a: [] });
    await pushNoops(store, 'few', { a: [] });
    await insertRuns('many', many, null);
    await insertRuns('few', 3, null);
    const first = await startsOfTurn();
    expect(first.filter((project) => project === 'few')).toHaveLength(3);
    expect(first.slice(0, 10)).toContain('few');
    // A turn is bounded, and the next goes on.
    expect(first.length).toBeLessThanOrEqual(200);
    const second = await startsOfTurn();
    expect(second.length).toBeGreaterThan(100);
    expect(second).not.toContain('few');
  });

  it('whose starts all fail lets those of others begin', async () => {
    await insertRuns('few', 2, null);
    const refuse = async ({ id, project }: RunToStart) => {
      if (project === 'many') throw new Error('refused');
      return id;
    };
    expect(await startsOfTurn(refuse)).toContain('few');
  });

  it('that wait for each other costs the watch and others next to nothing', async () => {
    await pushNoops(store, 'line', { a: [] }, { maxOpenRuns: 1 });
    await pushNoops(store, 'beside', { a: [] }, { maxOpenRuns: 1 });
    const actor = 'test';
    await store.graphRuns.create({ project: 'line', params: {}, select: null, actor });
    await insertRuns('line', many, 'slot');
    const timed = async (work: () => Promise<unknown>) => {
      const begin = performance.now();
      await work();
      return performance.now() - begin;
    };
    const turnMs = await timed(async () => {
      await store.watch.letRunsIn('watch');
      await store.graphRuns.unstarted(later(), 200);
      await store.watch.openExecutions(null, 100);
    });
    const createMs = await timed(() =>
      store.graphRuns.create({ project: 'beside', params: {}, select: null, actor }),
    );
    const behindMs = await timed(() =>
      store.graphRuns.create({ project: 'line', params: {}, select: null, actor }),
    );
    // A few milliseconds each, on a machine that does other things too.
    expect(turnMs).toBeLessThan(2_000);
    expect(createMs).toBeLessThan(1_000);
    expect(behindMs).toBeLessThan(1_000);
    const unstarted = await store.graphRuns.unstarted(later(), 10_000);
    expect(unstarted.filter(({ project }) => project === 'line')).toHaveLength(1);
  });
});
