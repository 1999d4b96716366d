import { afterAll, describe, expect, it } from 'vitest';
import { RunState, storedGraphRunReasons, storedJobRunReasons } from '../../graph/states.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
await pushNoops(store, 'p', { a: [] });
const run = await store.graphRuns.create({ project: 'p', params: {}, select: null, actor: 'test' });

const states = Object.values(RunState);
const reasons = [
  ...new Set([
    ...Object.values(storedJobRunReasons).flat(),
    ...Object.values(storedGraphRunReasons).flat(),
    'nonsense',
  ]),
];
const pairs = states.flatMap((state) => [null, ...reasons].map((reason) => [state, reason] as const));

function isAllowed(
  table: Record<RunState, readonly string[]>,
  state: RunState,
  reason: string | null,
): boolean {
  if (reason === null) return state !== 'FAILED';
  return table[state].includes(reason);
}

/** Sets state and reason with the times that fit, and tells whether the database took it. */
async function accepts(
  table: 'job_run' | 'graph_run',
  state: RunState,
  reason: string | null,
): Promise<boolean> {
  const id = table === 'graph_run' ? run.id : (await store.graphRuns.get(run.id)).jobRuns[0]?.id;
  const final = state === 'FAILED' || state === 'SUCCESS';
  try {
    await sql.query(
      `UPDATE ${table} SET state = $2::run_state, reason = $3, started_at = now(), completed_at = CASE WHEN $4 THEN now() END WHERE id = $1`,
      [id, state, reason, final],
    );
    return true;
  } catch {
    return false;
  }
}

describe('the database', () => {
  it.each(pairs)('takes a job run as %s/%s only if the table of states allows it', async (state, reason) => {
    expect(await accepts('job_run', state, reason)).toBe(isAllowed(storedJobRunReasons, state, reason));
  });

  it.each(pairs)(
    'takes a graph run as %s/%s only if the table of states allows it',
    async (state, reason) => {
      expect(await accepts('graph_run', state, reason)).toBe(isAllowed(storedGraphRunReasons, state, reason));
    },
  );

  it.each([
    [
      'a final run without its end',
      `UPDATE graph_run SET state = 'SUCCESS', reason = NULL, started_at = now(), completed_at = NULL`,
    ],
    [
      'an open run with an end',
      `UPDATE graph_run SET state = 'RUNNING', reason = NULL, started_at = now(), completed_at = now()`,
    ],
    [
      'a running run that never began',
      `UPDATE graph_run SET state = 'RUNNING', reason = NULL, started_at = NULL, completed_at = NULL`,
    ],
    ['a run without a project that is not invalid', 'UPDATE graph_run SET project_id = NULL'],
    ['an output without its hash', `UPDATE job_run SET output = '1'`],
    ['a fence without its time', `UPDATE job_run SET fence_run_id = 'x'`],
    ['a second counter of events', 'INSERT INTO event_counter (id) VALUES (2)'],
    [
      'a task of nobody',
      `INSERT INTO task (run_id, workflow_id, first_execution_run_id, epoch, opened_by) VALUES ('r', 'w', 'r', 1, 't')`,
    ],
  ])('refuses %s', async (_, statement) => {
    await expect(sql.query(statement)).rejects.toThrow('violates check constraint');
  });

  it('refuses a second open execution of one run', async () => {
    const insert = `INSERT INTO task (run_id, workflow_id, first_execution_run_id, graph_run_id, epoch, opened_by)
                    VALUES ($1, 'w', 'r', $2, 1, 't')`;
    await sql.query(insert, ['one', run.id]);
    await expect(sql.query(insert, ['two', run.id])).rejects.toThrow('task_one_open_of_graph_run');
  });

  it('refuses a job run of a job of another project', async () => {
    await pushNoops(store, 'other', { b: [] });
    await expect(
      sql.query(`UPDATE job_run SET job_id = (SELECT id FROM job WHERE key = 'b') WHERE graph_run_id = $1`, [
        run.id,
      ]),
    ).rejects.toThrow('violates foreign key constraint');
  });
});
