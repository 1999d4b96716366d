import { afterAll, expect, test } from 'vitest';
import { CodedError } from '../../graph/errors.ts';
import { createStore } from '../../store/index.ts';
import type { RunToStart } from '../../store/store.ts';
import { createBackfillKeeping } from '../../watch/keep-backfills.ts';
import { carryOut } from '../cli/use-cli.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
const actor = 'watch';
let made = 0;

/** Of twenty hours, four at once. */
async function makeBackfill() {
  made += 1;
  const project = `p-${made}`;
  await pushNoops(store, project, { a: [] });
  const schedule = { written: { cron: '@hourly' }, paused: true, note: null, actor };
  await store.schedules.create({ project, name: 's', ...schedule });
  const window = { from: '2026-01-01T00:00', to: '2026-01-01T19:00' };
  const chosen = { order: 'oldest', atOnce: 4, params: {}, again: false, note: null } as const;
  return store.backfills.create({ project, name: 's', window, ...chosen, actor });
}

/** A watch of its own, whose starts carry runs out at once. */
function useKeeping(
  start = (run: RunToStart) => carryOut(store, run, { a: { state: 'SUCCESS', reason: null } }),
) {
  const errors: unknown[] = [];
  const keeping = createBackfillKeeping({
    ...{ store, actor, onError: (error) => errors.push(error) },
    starter: {
      startGraphRun: async (run) => {
        await start(run);
        return null;
      },
    },
  });
  const lease = new AbortController();
  return { errors, lease, tend: () => keeping.tend(lease.signal), stop: () => keeping.stop() };
}

const untilEnded = (id: string) =>
  until(async () => {
    const backfill = await store.backfills.get(id);
    return backfill.completedAt === null ? undefined : backfill;
  }, 'it has ended');

async function expectOnceEach(id: string): Promise<void> {
  const runs = await sql.query(`SELECT scheduled_at FROM graph_run WHERE backfill_id = $1`, [id]);
  expect(new Set(runs.map((run) => String(run.scheduled_at))).size).toBe(20);
  expect(runs).toHaveLength(20);
}

test('two watches at once make each run once, and start it', async () => {
  const { id } = await makeBackfill();
  const watches = [useKeeping(), useKeeping()];
  for (const { tend } of watches) tend();
  expect(await untilEnded(id)).toMatchObject({ state: 'SUCCESS', counts: { success: 20 } });
  await Promise.all(watches.map(({ stop }) => stop()));
  await expectOnceEach(id);
  expect(watches.flatMap(({ errors }) => errors)).toEqual([]);
});

test('it goes on with another holder of the lease where the last one has come to', async () => {
  const { id } = await makeBackfill();
  const first = useKeeping();
  first.tend();
  await until(
    async () => ((await store.backfills.get(id)).counts.success >= 8 ? true : undefined),
    'some are done',
  );
  first.lease.abort();
  await first.stop();
  const { counts } = await store.backfills.get(id);
  expect(counts.success).toBeLessThan(20);
  const second = useKeeping();
  second.tend();
  await untilEnded(id);
  await second.stop();
  await expectOnceEach(id);
});

test('a run whose start does not reach Temporal is left for the next turn, and holds up nothing', async () => {
  const { id } = await makeBackfill();
  const { tend, stop, errors } = useKeeping(async () => {
    throw new CodedError('TEMPORAL_UNAVAILABLE', 'Temporal is away.');
  });
  tend();
  const isMade = async () => ((await store.backfills.get(id)).counts.open === 4 ? true : undefined);
  await until(isMade, 'four runs are made');
  await until(() => (errors.length >= 4 ? true : undefined), 'their starts have failed');
  await stop();
  const unstarted = await store.graphRuns.unstarted(new Date(Date.now() + 1_000), 100);
  expect(unstarted).toHaveLength(4);
});
