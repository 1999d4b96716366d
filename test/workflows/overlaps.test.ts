// Each overlap policy, with a first run that is still open at all times that follow it.
import { afterAll, expect, it } from 'vitest';
import type { GraphRunView } from '../../graph/resources.ts';
import { type OverlapPolicy, overlapPolicies } from '../../graph/schedules/policies.ts';
import { predictOverlaps } from '../../graph/schedules/predict-overlaps.ts';
import { isFinal } from '../../graph/states.ts';
import { pushOne } from '../../watch/schedules/push-schedules.ts';
import { createStarter } from '../../watch/starter.ts';
import { useEngine } from '../support/engine.ts';
import { expectProved } from '../support/expect-proved.ts';
import { createHeld } from '../support/held.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const held = createHeld();
const engine = await useEngine([held.kind]);
const { store, taskQueue, temporalAddress: address } = engine;
useWatch(engine, { onError: () => {} });
const starter = createStarter({ temporal: { address, namespace: 'default' }, taskQueue });
afterAll(() => starter.close());
const actor = 'test';
const name = 'slow';
const projectOf = (overlap: OverlapPolicy) => `${overlap.replaceAll('_', '-')}-${taskQueue.slice(-8)}`;

const everyMs = 4_000;
const slots = 4;
/** Far enough for all six to be made before it. */
const first = Math.ceil((Date.now() + 8_000) / everyMs) * everyMs;
const times = Array.from({ length: slots }, (_, slot) => first + slot * everyMs);
const last = first + (slots - 1) * everyMs;

for (const overlap of overlapPolicies) {
  const project = projectOf(overlap);
  await engine.push({ project, maxOpenRuns: 10, jobs: { a: { kind: 'held', config: { gate: overlap } } } });
  const written = {
    interval: { every: `${everyMs / 1_000}s` },
    ...{ startAt: new Date(first).toISOString(), endAt: new Date(last).toISOString(), overlap },
  };
  await store.schedules.create({ project, name, written, paused: false, note: null, actor });
  await pushOne({ store, starter }, (await store.schedules.idOf(project, name)) ?? '');
}

async function runsOf(overlap: OverlapPolicy): Promise<GraphRunView[]> {
  const { items } = await store.graphRuns.list({ project: projectOf(overlap) }, { limit: 100 });
  return items.toReversed();
}

const none = { skipped: 0, buffered: 0, ended: 0 };
const expected: Readonly<Record<OverlapPolicy, object>> = {
  skip: { ...none, runs: 1, skipped: 3 },
  buffer_one: { ...none, runs: 2, buffered: 1, skipped: 2 },
  buffer_all: { ...none, runs: 4, buffered: 3 },
  cancel_other: { ...none, runs: 4, ended: 3 },
  terminate_other: { ...none, runs: 4, ended: 3 },
  allow_all: { ...none, runs: 4 },
};

it('all were made before their first time', () => expect(Date.now()).toBeLessThan(first));

it.each(overlapPolicies)('%s makes as many runs as is said, each of a time of its own', async (overlap) => {
  await until(() => (Date.now() > last + 2_000 ? true : undefined), 'the last time has passed', 40_000);
  const { runs, ended, ...counts } = predictOverlaps(times, overlap, { durationMs: 60_000, runsMax: slots });
  expect({ runs, ended, ...counts }).toMatchObject(expected[overlap]);
  if (overlap === 'allow_all') {
    const open = await until(async () => {
      const found = await runsOf(overlap);
      return found.length === slots ? found : undefined;
    }, 'all are open at once');
    expect(open.filter(({ state }) => isFinal(state))).toEqual([]);
  }
  held.letGo(overlap);
  const all = await until(async () => {
    const found = await runsOf(overlap);
    return found.length >= runs && found.every(({ state }) => isFinal(state)) ? found : undefined;
  }, `${runs} runs have ended`);
  expect(all).toHaveLength(runs);
  expect(all.map(({ scheduledAt }) => Date.parse(scheduledAt ?? ''))).toEqual(times.slice(0, runs));
  const reason = overlap === 'cancel_other' ? 'cancelled' : 'terminated';
  expect(all.map((run) => (run.state === 'SUCCESS' ? run.state : run.reason))).toEqual(
    all.map((_, index) => (index < ended ? reason : 'SUCCESS')),
  );
  for (const { id } of all) await expectProved(engine, id);
});
