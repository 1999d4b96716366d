import { afterAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../graph/graph.ts';
import type { Granted } from '../../store/index.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const granted: Granted[] = [];
const store = createStore({ databaseUrl, onGranted: (more) => granted.push(more) });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const success = { state: 'SUCCESS', reason: null } as const;
const nothing = async () => new Map<string, string>();

let projects = 0;
async function makeProject(maxOpenRuns: number): Promise<string> {
  projects += 1;
  const project = `line-${projects}`;
  await pushNoops(store, project, { a: [], b: ['a'] }, { maxOpenRuns });
  return project;
}

const create = (project: string) =>
  store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });

/** As its workflow does it; the run id is the run's own. */
function open(project: string, { id, workflowId, epoch }: { id: string; workflowId: string; epoch: number }) {
  const identity = { workflowId, runId: `${id}/${epoch}`, firstExecutionRunId: `${id}/${epoch}` };
  const known = { graphRunId: id, epoch };
  return store.execution.openGraphRun({ identity, known, project, params: {}, select: null, actor: 'test' });
}

function close(id: string, epoch = 1) {
  const request = { runId: `${id}/${epoch}`, end: success, error: null, settle: [], actor: 'test' };
  return store.execution.closeGraphRun(request, nothing);
}

interface Row {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
}

/** In the order in which they came. */
const rowsOf = (project: string) =>
  sql.query<Row>(
    `SELECT id, state, reason FROM graph_run WHERE project_name = $1 ORDER BY line_number NULLS FIRST, created_at`,
    [project],
  );
const countOf = async (project: string, reason: string | null) =>
  (await rowsOf(project)).filter((row) => row.state === 'PENDING' && row.reason === reason).length;

const eventsOf = (id: string) =>
  sql.query(`SELECT type, job, state, reason, actor FROM event WHERE graph_run_id = $1 ORDER BY number`, [
    id,
  ]);

describe('runs beyond the maxOpenRuns of their graph', () => {
  it('wait, one by default, and are let in strictly as they came', async () => {
    const project = await makeProject(1);
    const runs = [await create(project), await create(project), await create(project)];
    expect(runs.map(({ reason }) => reason)).toEqual(['queued', 'slot', 'slot']);
    const [first, second, third] = runs.map(({ id }) => id) as [string, string, string];
    await open(project, runs[0] as (typeof runs)[0]);
    granted.length = 0;
    expect(await close(first)).toEqual(success);
    expect(granted).toMatchObject([{ runs: [{ id: second, project, workflowId: `graph-run/${second}/1` }] }]);
    expect(await store.graphRuns.get(second)).toMatchObject({ state: 'PENDING', reason: 'queued' });
    expect(await store.graphRuns.get(third)).toMatchObject({ state: 'PENDING', reason: 'slot' });
    expect(await eventsOf(second)).toEqual([
      { type: 'graph_run', job: null, state: 'PENDING', reason: 'slot', actor: 'test' },
      { type: 'graph_run', job: null, state: 'PENDING', reason: null, actor: 'test' },
    ]);
    // The end of the first is told before what follows from it.
    const [last] = await eventsOf(first).then((events) => events.slice(-1));
    expect(last).toMatchObject({ state: 'SUCCESS' });
    // One that comes now goes behind the third, whose turn it is next.
    await create(project);
    await open(project, runs[1] as (typeof runs)[1]);
    granted.length = 0;
    await close(second);
    expect(granted).toMatchObject([{ runs: [{ id: third }] }]);
  });

  it('are as many as may be open, however many come at once and whatever ends meanwhile', async () => {
    const project = await makeProject(3);
    const total = 40;
    let created = 0;
    const ended = new Set<string>();
    const let_in: string[] = [];
    const creators = Array.from({ length: 8 }, async () => {
      while (created < total) {
        created += 1;
        await create(project);
      }
    });
    const closers = async () => {
      while (ended.size < total) {
        const rows = await rowsOf(project);
        const holding = rows.filter(({ state, reason }) => state !== 'SUCCESS' && reason !== 'slot');
        expect(holding.length).toBeLessThanOrEqual(3);
        await Promise.all(
          holding.map(async ({ id }) => {
            if (ended.has(id)) return;
            ended.add(id);
            let_in.push(id);
            await open(project, { id, workflowId: `graph-run/${id}/1`, epoch: 1 });
            await close(id);
          }),
        );
      }
    };
    await Promise.all([...creators, closers()]);
    const rows = await rowsOf(project);
    expect(rows.map(({ state }) => state)).toEqual(Array.from({ length: total }, () => 'SUCCESS'));
    // Nobody was left to the watch.
    expect(await store.watch.letRunsIn('watch')).toBe(0);
    const began = await sql.query<{ id: string }>(
      `SELECT e.graph_run_id AS id FROM event e JOIN graph_run r ON r.id = e.graph_run_id
       WHERE e.project = $1 AND e.state = 'PENDING' AND e.reason IS NULL AND e.type = 'graph_run' AND r.line_number IS NOT NULL
       ORDER BY e.number`,
      [project],
    );
    const inLine = await sql.query<{ id: string }>(
      `SELECT id FROM graph_run WHERE project_name = $1 AND line_number IS NOT NULL ORDER BY line_number`,
      [project],
    );
    expect(inLine.length).toBeGreaterThan(0);
    expect(began.map(({ id }) => id)).toEqual(inLine.map(({ id }) => id));
  });

  it('are not told to be started', async () => {
    const project = await makeProject(1);
    const [first, second] = [await create(project), await create(project)];
    const unstarted = await store.graphRuns.unstarted(new Date(Date.now() + 60_000), 1_000);
    const ids = unstarted.map(({ id }) => id);
    expect([ids.includes(first.id), ids.includes(second.id)]).toEqual([true, false]);
  });

  it('are let in by a graph that allows more', async () => {
    const project = await makeProject(1);
    await Promise.all(Array.from({ length: 5 }, () => create(project)));
    granted.length = 0;
    await pushNoops(store, project, { a: [], b: ['a'] }, { maxOpenRuns: 3 });
    expect(granted.flatMap(({ runs }) => runs)).toHaveLength(2);
    expect([await countOf(project, null), await countOf(project, 'slot')]).toEqual([3, 2]);
    // Fewer takes nothing from those that are open.
    await pushNoops(store, project, { a: [], b: ['a'] }, { maxOpenRuns: 2 });
    expect([await countOf(project, null), await countOf(project, 'slot')]).toEqual([3, 2]);
  });

  it('count runs that were started outside, which wait for nobody', async () => {
    const project = await makeProject(1);
    const outside = { workflowId: `outside-${project}`, runId: project, firstExecutionRunId: project };
    const run = {
      identity: outside,
      project,
      params: {},
      select: null,
      actor: 'watch',
      createdBy: 'temporal',
    };
    const first = await create(project);
    expect(await store.watch.recordGraphRun(run)).toBe(true);
    const second = await create(project);
    expect(second.reason).toBe('slot');
    await open(project, first);
    await close(first.id);
    expect((await store.graphRuns.get(second.id)).reason).toBe('slot');
    const request = { identity: outside, known: null, project, params: {}, select: null, actor: 'test' };
    await store.execution.openGraphRun(request);
    const end = { state: 'FAILED', reason: 'terminated' } as const;
    const ended = {
      runId: project,
      end,
      error: null,
      jobs: new Map(),
      rest: 'terminated',
      actor: 'watch',
    } as const;
    await store.execution.endTask(ended, nothing);
    expect((await store.graphRuns.get(second.id)).reason).toBe('queued');
  });

  it('include those that are resumed', async () => {
    const project = await makeProject(1);
    const first = await create(project);
    await open(project, first);
    const end = { state: 'FAILED', reason: 'cancelled' } as const;
    const jobs = (await store.graphRuns.get(first.id)).jobRuns;
    const settle = jobs.map(({ id }) => ({ jobRunId: id, end, error: null }));
    await store.execution.closeGraphRun(
      { runId: `${first.id}/1`, end, error: null, settle, actor: 'test' },
      nothing,
    );
    const second = await create(project);
    const choice = { from: null, latest: false, plan: null, actor: 'test' };
    expect(await store.resumes.resume(first.id, choice)).toMatchObject({ reason: 'slot', epoch: 2 });
    await open(project, second);
    granted.length = 0;
    await close(second.id);
    expect(granted).toMatchObject([{ runs: [{ id: first.id, workflowId: `graph-run/${first.id}/2` }] }]);
  });

  it('are let in by the watch where a run was ended by hand', async () => {
    const project = await makeProject(1);
    const [first, second] = [await create(project), await create(project)];
    await sql.query(
      `UPDATE graph_run SET state = 'FAILED', reason = 'cancelled', completed_at = now() WHERE id = $1`,
      [first.id],
    );
    expect(await store.watch.letRunsIn('watch')).toBe(1);
    expect((await store.graphRuns.get(second.id)).reason).toBe('queued');
  });
});

describe('the cancel of a run that waits for another', () => {
  it('ends it at once with its jobs, and leaves the others where they are', async () => {
    const project = await makeProject(1);
    const [first, second, third] = [await create(project), await create(project), await create(project)];
    const cancelled = await store.cancels.graphRun({ id: second.id, note: 'wrong', actor: 'key:x' });
    expect(cancelled).toMatchObject({ state: 'FAILED', reason: 'cancelled', jobCounts: { FAILED: 2 } });
    expect((await eventsOf(second.id)).slice(1)).toEqual([
      { type: 'cancel', job: null, state: null, reason: null, actor: 'key:x' },
      { type: 'job_run', job: 'a', state: 'FAILED', reason: 'cancelled', actor: 'key:x' },
      { type: 'job_run', job: 'b', state: 'FAILED', reason: 'cancelled', actor: 'key:x' },
      { type: 'graph_run', job: null, state: 'FAILED', reason: 'cancelled', actor: 'key:x' },
    ]);
    expect((await store.cancels.open('graph_run', null, 100)).map(({ id }) => id)).not.toContain(second.id);
    const again = store.cancels.graphRun({ id: second.id, note: null, actor: 'key:x' });
    await expect(again).rejects.toMatchObject({ code: 'RUN_HAS_ENDED' });
    await open(project, first);
    await close(first.id);
    expect((await store.graphRuns.get(third.id)).reason).toBe('queued');
  });

  it('at the moment in which its turn comes loses nobody the place', async () => {
    for (let round = 0; round < 10; round += 1) {
      const project = await makeProject(1);
      const [first, second, third] = [await create(project), await create(project), await create(project)];
      await open(project, first);
      await Promise.all([
        close(first.id),
        store.cancels.graphRun({ id: second.id, note: null, actor: 'key:x' }),
      ]);
      const [was, next] = [await store.graphRuns.get(second.id), await store.graphRuns.get(third.id)];
      // Let in first, it has a place, and its workflow hears of the cancel.
      const expected = was.state === 'FAILED' ? 'queued' : 'slot';
      expect({ round, reason: next.reason }).toEqual({ round, reason: expected });
    }
  });
});

it('what a graph allows is kept with it, where it is not 1', async () => {
  const limitOf = async (maxOpenRuns: number): Promise<Graph['maxOpenRuns']> => {
    const { graph } = await store.graphs.current(await makeProject(maxOpenRuns));
    return graph.maxOpenRuns;
  };
  expect([await limitOf(1), await limitOf(7)]).toEqual([undefined, 7]);
});
