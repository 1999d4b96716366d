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

const actor = 'key:x';
const set = (id: string, paused: boolean) => store.pauses.set({ id, paused, note: null, actor });
const untoldOf = async (id: string) =>
  (await store.pauses.untold(null, 500)).filter((found) => found.id === id);
const byHand = { by: 'me', note: 'why' };
const eventsOf = (id: string) =>
  sql.query(`SELECT FROM event WHERE type IN ('pause', 'unpause') AND graph_run_id = $1`, [id]);

/** What a reset makes of a run. */
async function reset({ id, request }: Awaited<ReturnType<typeof makeRun>>): Promise<string> {
  const identity = { ...request.identity, runId: `reset of ${id}` };
  const adoption = { identity, kept: new Map(), asked: new Map(), epoch: 1, actor: 'watch' };
  await store.execution.adopt(adoption, async () => new Map());
  return identity.runId;
}

describe('a pause', () => {
  it('asked for by many at once is kept once', async () => {
    const { id } = await makeRun();
    const answers = await Promise.all(Array.from({ length: 10 }, () => set(id, true)));
    expect(new Set(answers.map(({ toTell }) => toTell?.number))).toEqual(new Set([1]));
    expect(await eventsOf(id)).toHaveLength(1);
  });

  it('waits to be told until it was, or the run has ended', async () => {
    const { id, runId } = await makeRun();
    const { toTell } = await set(id, true);
    expect(await untoldOf(id)).toEqual([toTell]);
    await set(id, false);
    if (toTell) await store.pauses.noteTold(toTell);
    const [last] = await untoldOf(id);
    expect(last).toMatchObject({ number: 2, paused: false, runId });
    if (last) await store.pauses.noteTold(last);
    expect(await untoldOf(id)).toEqual([]);
    await set(id, true);
    const end = { state: 'FAILED', reason: 'cancelled' } as const;
    await store.execution.closeGraphRun(
      { runId, end, error: null, settle: [], actor: 'test' },
      async () => new Map(),
    );
    expect(await untoldOf(id)).toEqual([]);
    expect(await store.graphRuns.get(id)).toMatchObject({ reason: 'cancelled', pause: null });
  });

  it('is told anew to what a reset made, and stays told to nobody else', async () => {
    const run = await makeRun();
    const { toTell } = await set(run.id, true);
    const runId = await reset(run);
    if (toTell) await store.pauses.noteTold(toTell);
    expect(await untoldOf(run.id)).toMatchObject([{ number: 1, paused: true, epoch: 2, runId }]);
    expect(await store.graphRuns.get(run.id)).toMatchObject({ reason: 'paused', pause: { by: actor } });
  });

  it('is told to who opens the run, once there was one', async () => {
    const run = await makeRun();
    expect(run.opened).not.toHaveProperty('pause');
    await set(run.id, true);
    expect(await store.execution.openGraphRun(run.request)).toMatchObject({
      pause: { number: 1, paused: true },
    });
    const unopened = await store.graphRuns.create({ project: 'p', params: {}, select: null, actor });
    await set(unopened.id, true);
    await set(unopened.id, false);
    const identity = {
      workflowId: unopened.workflowId,
      runId: unopened.id,
      firstExecutionRunId: unopened.id,
    };
    const known = { graphRunId: unopened.id, epoch: 1 };
    expect(await store.execution.openGraphRun({ ...run.request, identity, known })).toMatchObject({
      pause: { number: 2, paused: false },
    });
  });

  it('shows behind a workflow task that fails', async () => {
    const { id, request } = await makeRun();
    await set(id, true);
    const { identity } = request;
    await store.watch.markStuck({ identity, error: { type: 'Error', message: 'boom' }, actor: 'watch' });
    expect(await store.graphRuns.get(id)).toMatchObject({ reason: 'stuck', pause: { by: actor } });
    await store.watch.clearStuck(identity, 'watch');
    expect((await store.graphRuns.get(id)).reason).toBe('paused');
  });
});

describe('a pause by hand', () => {
  it('gets its number from the row, also where it is noted again', async () => {
    const { id, runId } = await makeRun();
    const asked = { runId, paused: true, seen: 0, ...byHand };
    expect(await store.pauses.note(asked)).toEqual({ number: 1, paused: true });
    expect(await store.pauses.note(asked)).toEqual({ number: 1, paused: true });
    expect(await untoldOf(id)).toEqual([]);
    expect(await eventsOf(id)).toHaveLength(1);
    expect((await store.graphRuns.get(id)).pause).toMatchObject({ by: 'temporal:me', note: 'why' });
  });

  it('gives way to a request that its workflow did not know', async () => {
    const { id, runId } = await makeRun();
    await set(id, true);
    await set(id, false);
    const asked = { runId, paused: true, seen: 1, ...byHand };
    expect(await store.pauses.note(asked)).toEqual({ number: 2, paused: false });
    expect((await store.graphRuns.get(id)).pause).toBeNull();
  });

  it('that an execution tells of which is superseded changes nothing', async () => {
    const run = await makeRun();
    await reset(run);
    const asked = { runId: run.runId, paused: true, seen: 0, ...byHand };
    expect(await store.pauses.note(asked)).toEqual({ number: 0, paused: true });
    expect((await store.graphRuns.get(run.id)).pause).toBeNull();
  });
});
