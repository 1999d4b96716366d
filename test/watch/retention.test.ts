// Temporal forgets closed workflows after its retention.
import { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { followExecution } from '../../watch/follow-execution.ts';
import { createTemporalView } from '../../watch/temporal-view.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds);
const { store, client, temporal } = engine;
const sql = await useSql(engine.databaseUrl);
await engine.push({
  project: 'p',
  jobs: { a: { kind: 'noop' }, b: { kind: 'flaky', config: { failures: 9 }, retry: { maximumAttempts: 1 } } },
});

/** As of a server that has forgotten everything; how it says so of one workflow is in the tests of deletions. */
const forgetful = { ...engine, actor: 'watch', temporal: { ...temporal, describe: async () => null } };

const rowsOf = async (table: string) => sql.query(`SELECT * FROM ${table} ORDER BY 1, 2`);
const tables = ['graph_run', 'job_run', 'attempt', 'task', 'event'];
async function allRows() {
  const rows = [];
  for (const table of tables) rows.push(await rowsOf(table));
  return rows;
}

it('a run that has ended stays as it is', async () => {
  const run = await engine.run('p');
  const lone = await engine.startLone('p', 'a');
  await engine.endedJob(lone.id);
  await lone.handle.result();
  const before = await allRows();
  const tasks = [...run.tasks, ...(await store.jobRuns.get(lone.id)).tasks];
  for (const { workflowId, runId } of tasks) {
    expect(await followExecution(forgetful, { workflowId, runId })).toEqual([]);
  }
  expect(await allRows()).toEqual(before);
});

it('a namespace that the server does not have is an error, and no reason to end runs', async () => {
  const { id, handle } = await engine.start('p');
  await engine.ended(id);
  const elsewhere = createTemporalView(
    new Client({ connection: client.connection, namespace: 'no-such-one' }),
  );
  await expect(elsewhere.describeNewest(handle.workflowId)).rejects.toThrow('no-such-one');
});
