import { afterAll, describe, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
await pushNoops(store, 'p', { a: [], b: [] });

describe('a job run that ends', () => {
  it('is written in place: no index holds what changes', async () => {
    const [table, column] = ['job_run', 'graph_run_id'];
    const { id } = await store.graphRuns.create({ project: 'p', params: {}, select: null, actor: 'test' });
    const identity = { workflowId: id, runId: id, firstExecutionRunId: id };
    const asked = { project: 'p', params: {}, select: null, actor: 'test' };
    await store.execution.openGraphRun({ identity, known: { graphRunId: id, epoch: 1 }, ...asked });
    await sql.query('BEGIN');
    await sql.query(
      `UPDATE ${table} SET state = 'FAILED', reason = 'lost', error = '{}', updated_by = 'x', started_at = now(), completed_at = now()
       WHERE ${column} = $1`,
      [id],
    );
    const [counts] = await sql.query(
      `SELECT pg_stat_get_xact_tuples_updated($1::regclass) > 0 AS updated,
              pg_stat_get_xact_tuples_updated($1::regclass) = pg_stat_get_xact_tuples_hot_updated($1::regclass) AS in_place`,
      [table],
    );
    await sql.query('ROLLBACK');
    expect(counts).toEqual({ updated: true, in_place: true });
  });
});
