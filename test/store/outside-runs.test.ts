// A worker and the watch that meet the same workflow at the same time make one row of it.
import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
// The worker's and that of the process that watches.
const [worker, watch] = [createStore({ databaseUrl }), createStore({ databaseUrl })];
afterAll(() => Promise.all([worker.close(), watch.close()]));
const sql = await useSql(databaseUrl);
await pushNoops(worker, 'p', { a: [], b: ['a'] });

const each = (title: string, test: (time: number) => Promise<void>) =>
  it(title, async () => {
    for (let time = 0; time < 40; time += 1) await test(time);
  });

function execution() {
  const runId = randomUUID();
  const identity = { workflowId: randomUUID(), runId, firstExecutionRunId: runId };
  const opens = { identity, known: null, actor: `workflow:${identity.workflowId}` };
  const records = { identity, actor: 'watch', createdBy: `workflow:${identity.workflowId}` };
  return { identity, opens, records };
}

const countOf = async (table: string, { identity }: ReturnType<typeof execution>) =>
  (await sql.query(`SELECT FROM ${table} WHERE workflow_id = $1`, [identity.workflowId])).length;

/** Both at once, with either of them ahead by a moment. */
async function race<A, B>(time: number, first: () => Promise<A>, second: () => Promise<B>): Promise<[A, B]> {
  const moment = () => new Promise((resolve) => setTimeout(resolve, time % 5));
  const isAhead = time % 2 === 0;
  return Promise.all([isAhead ? first() : moment().then(first), isAhead ? moment().then(second) : second()]);
}

describe('a workflow that was started outside', () => {
  each('is one graph run, which its worker opens', async (time) => {
    const one = execution();
    const asked = { project: 'p', params: {}, select: null };
    const [opened] = await race(
      time,
      () => worker.execution.openGraphRun({ ...one.opens, ...asked }),
      () => watch.watch.recordGraphRun({ ...one.records, ...asked }),
    );
    expect(opened).toMatchObject({ outcome: 'opened', project: 'p' });
    expect(await countOf('graph_run', one)).toBe(1);
  });

  each('is one job run, which its worker opens', async (time) => {
    const one = execution();
    const asked = { project: 'p', job: 'a', params: {} };
    const [opened] = await race(
      time,
      () => worker.execution.openJobRun({ ...one.opens, ...asked }),
      () => watch.watch.recordJobRun({ ...one.records, ...asked }),
    );
    expect(opened).toMatchObject({ outcome: 'opened' });
    expect(await countOf('job_run', one)).toBe(1);
  });

  each('is one invalid run, and its worker is told why', async (time) => {
    const one = execution();
    const asked = { project: 'nobody', params: {}, select: null };
    const [opened] = await race(
      time,
      () => worker.execution.openGraphRun({ ...one.opens, ...asked }),
      () => watch.watch.recordGraphRun({ ...one.records, ...asked }),
    );
    expect(opened).toEqual({
      outcome: 'invalid',
      message: expect.stringContaining('There is no project "nobody"'),
    });
    expect(await countOf('graph_run', one)).toBe(1);
  });

  each('and ended while its worker opens it is carried out by one Task', async (time) => {
    const one = execution();
    const asked = { project: 'p', params: {}, select: null };
    await watch.watch.recordGraphRun({ ...one.records, ...asked });
    const [opened] = await race(
      time,
      () => worker.execution.openGraphRun({ ...one.opens, ...asked }),
      () => watch.watch.claimUnopened(one.identity, 'watch'),
    );
    // The same execution: whoever was first, it is the run's Task.
    expect(opened).toMatchObject({ outcome: 'opened' });
    expect(await countOf('task', one)).toBe(1);
  });
});
