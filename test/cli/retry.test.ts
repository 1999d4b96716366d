import { expect, test } from 'vitest';
import type { GraphRunView } from '../../client/index.ts';
import { createStore, jobRunIdOf } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { carryOut, useCli } from './use-cli.ts';

const { databaseUrl } = await useDatabases();
const { call, makeProject, run, store } = await useCli({ store: createStore({ databaseUrl }) });
const sql = await useSql(databaseUrl);

test('retry of a job that does not wait for an attempt is refused, and what to do is told', async () => {
  const { id } = (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body;
  const jobRun = jobRunIdOf(id, 'load');
  const { code, stderr } = await run(['retry', jobRun, '--note', 'mended']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('JOB_NOT_WAITING')]);
  expect(stderr).toContain(`"graphrun explain ${jobRun}" tells what it waits for`);
});

test('retry of what is not there is refused', async () => {
  const { code, stderr } = await run(['retry', 'not-an-id']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('JOB_RUN_UNKNOWN')]);
});

test('show tells why the last attempt failed, of a job that waits for the next one or has ended in another way', async () => {
  const graphRun = (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body;
  const id = jobRunIdOf(graphRun.id, 'load');
  const error = JSON.stringify({
    type: 'Error',
    message: 'the source is down',
    retryAt: '2026-11-24T08:00:00.000Z',
  });
  await sql.query(
    `UPDATE job_run SET state = 'PENDING', reason = 'retry', attempts = 1, started_at = now(), error = $2 WHERE id = $1`,
    [id, error],
  );
  await sql.query(
    `INSERT INTO attempt (job_run_id, number, epoch, run_id, scheduled_at, state, reason, error, worker, started_at, completed_at)
     VALUES ($1, 1, 1, $3, now(), 'FAILED', 'error', $2, '7@host', now(), now())`,
    [id, error, `execution-of-${graphRun.id}`],
  );
  const waits = await run(['show', id]);
  expect(waits.stdout).toContain('attempt 1 of load failed (Error, retry):\n    the source is down');
  expect(waits.stdout).not.toContain('attempt 1: ');
  expect((await run(['show', graphRun.id])).stdout).toContain('attempt 1 of load failed (Error, retry):');
  await call('POST', `/v1/graph-runs/${graphRun.id}/cancel`, { payload: { note: 'not today' } });
  const end = { state: 'FAILED', reason: 'cancelled' } as const;
  await carryOut(store, graphRun, { load: end, count: end });
  const ended = (await run(['show', id])).stdout;
  expect(ended).toContain('cancelled with its run, ');
  expect(ended).toContain('by key:editor: not today');
  expect(ended).toContain('attempt 1: the source is down');
});
