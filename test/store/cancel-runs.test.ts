import { afterAll, describe, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';
import { useRuns } from './runs.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
await pushNoops(store, 'p', { a: [] });
const makeRun = useRuns(store);

const openIds = async () => (await store.cancels.open('graph_run', null, 100)).map(({ id }) => id);
const asked = { note: null, actor: 'key:x' };

describe('a cancel', () => {
  it('names the execution that carries out the run', async () => {
    const { id, runId, request } = await makeRun();
    await store.cancels.graphRun({ id, ...asked });
    const open = await store.cancels.open('graph_run', null, 100);
    expect(open.find((cancel) => cancel.id === id)).toMatchObject({
      ...{ workflowId: request.identity.workflowId, runId, firstExecutionRunId: runId },
      cancelRequest: { by: 'key:x', note: null },
    });
  });

  it('is over with the end of the run', async () => {
    const { id, runId } = await makeRun();
    await store.cancels.graphRun({ id, ...asked });
    expect(await openIds()).toContain(id);
    const end = { state: 'FAILED', reason: 'cancelled' } as const;
    await store.execution.closeGraphRun(
      { runId, end, error: null, settle: [], actor: 'test' },
      async () => new Map(),
    );
    expect(await openIds()).not.toContain(id);
    expect((await store.graphRuns.get(id)).cancelRequest).toMatchObject({ by: 'key:x' });
  });

  it('of an older epoch counts no more, and the run can be cancelled anew', async () => {
    const { id, request } = await makeRun();
    await store.cancels.graphRun({ id, note: 'first', actor: 'key:x' });
    const identity = { ...request.identity, runId: 'a reset' };
    const adoption = { identity, kept: new Map(), asked: new Map(), epoch: 1, actor: 'watch' };
    await store.execution.adopt(adoption, async () => new Map());
    expect((await store.graphRuns.get(id)).cancelRequest).toBeNull();
    expect(await openIds()).not.toContain(id);
    const again = await store.cancels.graphRun({ id, note: 'second', actor: 'key:y' });
    expect(again).toMatchObject({ epoch: 2, cancelRequest: { by: 'key:y', note: 'second' } });
    expect(await openIds()).toContain(id);
    const events = await sql.query(
      `SELECT epoch, note FROM event WHERE type = 'cancel' AND graph_run_id = $1 ORDER BY number`,
      [id],
    );
    expect(events).toEqual([
      { epoch: 1, note: 'first' },
      { epoch: 2, note: 'second' },
    ]);
  });

  it('asked for by many at once is kept once', async () => {
    const { id } = await makeRun();
    const actors = Array.from({ length: 10 }, (_, number) => `key:${number}`);
    const answers = await Promise.all(
      actors.map((actor) => store.cancels.graphRun({ id, note: null, actor })),
    );
    expect(new Set(answers.map(({ cancelRequest }) => cancelRequest.by)).size).toBe(1);
    const events = await sql.query(`SELECT FROM event WHERE type = 'cancel' AND graph_run_id = $1`, [id]);
    expect(events).toHaveLength(1);
  });

  it('is listed page by page', async () => {
    const ids = await openIds();
    const [first] = await store.cancels.open('graph_run', null, 1);
    const rest = await store.cancels.open('graph_run', first?.id ?? null, 100);
    expect([first?.id, ...rest.map(({ id }) => id)]).toEqual(ids);
  });
});
