// The watch over many executions, over slow answers, and while Temporal is away.
import { describe, expect, it } from 'vitest';
import type { ExecutionId, ExecutionView, TemporalView } from '../../watch/temporal-view.ts';
import type { WatchOptions } from '../../watch/watch.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds, undefined, { isIdle: true });
const { store } = engine;
const sql = await useSql(engine.databaseUrl);
await engine.push({ project: 'p', jobs: { a: { kind: 'noop' } } });
const leaseTimes = { lastsMs: 600, renewMs: 150, askMs: 50 };

/** Open runs, each with the Task of an execution that only the rows know. */
async function makeOpen(runs: number): Promise<void> {
  const asked = { project: 'p', params: {}, select: null, actor: 'test' };
  const make = async (number: number): Promise<void> => {
    const { id, workflowId } = await store.graphRuns.create(asked);
    const identity = { workflowId, runId: `run-${number}`, firstExecutionRunId: `run-${number}` };
    await store.execution.openGraphRun({ identity, known: { graphRunId: id, epoch: 1 }, ...asked });
  };
  await Promise.all(Array.from({ length: runs }, (_, number) => make(number)));
}

/** Temporal's answers, from a test that decides when they come. */
function slowView(
  describe: (runId: string) => Promise<void>,
): TemporalView & { under: number; most: number; seen: string[]; readonly lists: Date[] } {
  const view = {
    ...engine.temporal,
    under: 0,
    most: 0,
    seen: [] as string[],
    lists: [] as Date[],
    describe: async ({ workflowId, runId }: ExecutionId): Promise<ExecutionView> => {
      view.seen.push(runId);
      view.under += 1;
      view.most = Math.max(view.most, view.under);
      await describe(runId).finally(() => {
        view.under -= 1;
      });
      const known = { workflowId, runId, firstExecutionRunId: runId, type: 'graphRun', taskQueue: 'x' };
      const none = { resetRunId: null, cancelRequested: false, pending: new Map(), workflowTask: null };
      return { ...known, ...none, status: 'RUNNING', historyEvents: 1, historyBytes: 1 };
    },
    async *changedSince(since: Date) {
      view.lists.push(since);
      yield [];
    },
  };
  return view;
}

async function watchRow() {
  const [row] = await sql.query<{
    watched_until: Date | null;
    listed_until: Date | null;
    is_behind: boolean;
  }>('SELECT * FROM watch');
  return row;
}

const watchEvents = async () =>
  (await sql.query<{ reason: string }>(`SELECT reason FROM event WHERE type = 'watch' ORDER BY number`)).map(
    ({ reason }) => reason,
  );

function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

describe('a new holder', () => {
  it('compares all that is open, ten at once, and again from the first on', async () => {
    await makeOpen(250);
    const temporal = slowView(() => new Promise((resolve) => setImmediate(resolve)));
    const watch = useWatch(engine, { temporal });
    await until(() => temporal.seen.length > 250 || undefined, 'all are compared, and some again');
    expect(new Set(temporal.seen.slice(0, 250)).size).toBe(250);
    expect(temporal.most).toBe(10);
    expect(temporal.seen[250]).toBe(temporal.seen[0]);
    await watch.stop();
    expect(watch.corrections).toEqual([]);
  });

  it('reads the lists from where the last one stopped, a little earlier', async () => {
    const hourAgo = new Date(Date.now() - 3_600_000);
    await sql.query('UPDATE watch SET listed_until = $1', [hourAgo]);
    const temporal = slowView(async () => {});
    const watch = useWatch(engine, { temporal });
    const second = await until(() => temporal.lists[1], 'it lists again');
    await watch.stop();
    expect(temporal.lists[0]).toEqual(new Date(hourAgo.getTime() - 2_000));
    expect(Date.now() - second.getTime()).toBeLessThan(120_000);
    expect((await watchRow())?.listed_until?.getTime()).toBeGreaterThan(second.getTime());
  });

  it('keeps the lease over a turn that takes longer', async () => {
    const slow = gate();
    const temporal = slowView(() => slow.opened);
    const options: Partial<WatchOptions> = { temporal, leaseTimes };
    const watch = useWatch(engine, { ...options, holder: 'slow' });
    await until(() => temporal.under === 10 || undefined, 'it waits for ten answers');
    const waitsSince = performance.now();
    const other = slowView(async () => {});
    const beside = useWatch(engine, { ...options, temporal: other, holder: 'beside' });
    await until(() => performance.now() - waitsSince > 1_500 || undefined, 'a lease would be over');
    expect([temporal.seen.length, other.seen.length]).toEqual([10, 0]);
    slow.open();
    await until(() => temporal.seen.length > 10 || undefined, 'it goes on');
    await beside.stop();
    await watch.stop();
  });

  it('stops its turn when it has lost the lease', async () => {
    const slow = gate();
    const temporal = slowView(() => slow.opened);
    const watch = useWatch(engine, { temporal, leaseTimes, holder: 'loser' });
    await until(() => temporal.under === 10 || undefined, 'it waits for ten answers');
    const before = await watchRow();
    await sql.query(`UPDATE lease SET holder = 'thief', expires_at = now() + interval '1 minute'`);
    const lostAt = performance.now();
    await until(() => performance.now() - lostAt > 4 * leaseTimes.renewMs || undefined, 'it has asked again');
    slow.open();
    await until(() => temporal.under === 0 || undefined, 'the answers came');
    await watch.stop();
    expect(temporal.seen).toHaveLength(10);
    expect(await watchRow()).toEqual(before);
    await sql.query('DELETE FROM lease');
  });
});

it('what it cannot follow comes again, and until then the watch falls behind, and tells of it', async () => {
  let isOdd = true;
  const temporal = slowView(async (runId) => {
    if (isOdd && runId === 'run-7') throw new Error('this one cannot be followed');
  });
  const errors: unknown[] = [];
  await sql.query(`UPDATE watch SET watched_until = now() - interval '9 seconds', is_behind = false`);
  const told = (await watchEvents()).length;
  const before = await watchRow();
  const options = { temporal, leaseTimes, onError: (error: unknown) => errors.push(error) };
  const watch = useWatch(engine, options);
  await until(async () => (await watchRow())?.is_behind || undefined, 'it is behind');
  await until(() => errors.length > 2 || undefined, 'it has come again');
  expect((await watchRow())?.watched_until).toEqual(before?.watched_until);
  isOdd = false;
  await until(async () => ((await watchRow())?.is_behind ? undefined : true), 'it has caught up');
  expect((await watchEvents()).slice(told)).toEqual(['behind', 'caught_up']);
  await watch.stop();
});

it('a server that answers nothing ends the turn early', async () => {
  const temporal = slowView(() => Promise.reject(new Error('this server does not answer')));
  const errors: unknown[] = [];
  const watch = useWatch(engine, { temporal, leaseTimes, onError: (error: unknown) => errors.push(error) });
  await until(() => errors.length > 0 || undefined, 'it asks');
  await watch.stop();
  expect(temporal.seen.length).toBeLessThan(100);
});
