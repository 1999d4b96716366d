// Schedules that fire while something is done to them.
import { afterAll, expect, it } from 'vitest';
import type { GraphRunView } from '../../graph/resources.ts';
import { pushOne } from '../../watch/schedules/push-schedules.ts';
import { createStarter } from '../../watch/starter.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';

const engine = await useEngine(createTestKinds().kinds);
const { store, client, taskQueue, temporalAddress: address } = engine;
const starter = createStarter({ temporal: { address, namespace: 'default' }, taskQueue });
afterAll(() => starter.close());
const actor = 'test';
const prefix = `changes-${taskQueue.slice(-8)}`;
const jobs = { a: { kind: 'noop' } };

interface Name {
  readonly project: string;
  readonly name: string;
}

async function push({ project, name }: Name): Promise<void> {
  await pushOne({ store, starter }, (await store.schedules.idOf(project, name)) ?? '');
}

async function create(project: string, written: object, name = 'a'): Promise<Name> {
  await engine.push({ project, maxOpenRuns: 10, jobs });
  await store.schedules.create({ project, name, written, paused: false, note: null, actor });
  await push({ project, name });
  return { project, name };
}

async function remove(schedule: Name): Promise<void> {
  await store.schedules.remove(schedule, actor);
  await push(schedule);
}

/** Of times of the schedule, the earliest first. */
async function slotsOf({ project }: Name): Promise<GraphRunView[]> {
  const { items } = await store.graphRuns.list({ project }, { limit: 500 });
  return items.filter(({ scheduledAt }) => scheduledAt !== null).toReversed();
}

const atOf = ({ scheduledAt }: GraphRunView) => Date.parse(scheduledAt ?? '');
const passed = (at: number) =>
  until(() => (Date.now() > at ? true : undefined), `it is ${new Date(at).toISOString()}`);

it('two schedules of one moment in two projects make a run each', async () => {
  const at = new Date(Math.ceil((Date.now() + 4_000) / 1_000) * 1_000).toISOString();
  const written = { interval: { every: '1s' }, startAt: at, endAt: at };
  const both = [await create(`${prefix}-one`, written), await create(`${prefix}-two`, written)];
  for (const schedule of both) {
    const runs = await until(async () => {
      const found = await slotsOf(schedule);
      return found[0]?.state === 'SUCCESS' ? found : undefined;
    }, `${schedule.project} has run`);
    expect(runs.map(({ project, scheduledAt }) => [project, scheduledAt])).toEqual([[schedule.project, at]]);
    await remove(schedule);
  }
});

it('a time that is skipped makes no run but an event, and those around it do', async () => {
  const schedule = await create(`${prefix}-skip`, { interval: { every: '3s' }, overlap: 'allow_all' });
  await until(async () => ((await slotsOf(schedule)).length > 0 ? true : undefined), 'it fires');
  const { skipAt } = await store.schedules.skipNext({ ...schedule, note: 'a holiday', actor });
  const skipped = Date.parse(skipAt ?? '');
  const runs = await until(async () => {
    const found = await slotsOf(schedule);
    return found.some((run) => atOf(run) > skipped) ? found : undefined;
  }, 'a later time has made a run');
  await remove(schedule);
  expect(runs.map(atOf)).not.toContain(skipped);
  expect(runs.map(atOf)).toContain(skipped - 3_000);
  const { items } = await store.events.list({ after: 0, limit: 500, project: schedule.project });
  const dropped = items.filter(({ reason }) => reason === 'dropped').map(({ note }) => note);
  expect(dropped).toEqual([`${skipAt}: it was skipped`]);
});

it('a change of its times does not fire one that has passed, within its window though it is', async () => {
  const schedule = await create(`${prefix}-edit`, { cron: '0 0 29 2 *', catchUp: { window: '2h' } });
  const atTemporal = client.schedule.getHandle(`${schedule.project}/a`);
  // It would have fired a moment ago, had it been so then.
  const offset = `${Math.floor((Date.now() % 3_600_000) / 1_000) - 2 + 3_600}s`;
  const before = Date.now();
  for (const interval of [
    { every: '2h', offset },
    { every: '1h', offset: `${Number.parseInt(offset, 10) % 3_600}s` },
  ]) {
    await store.schedules.change({ ...schedule, written: { cron: null, interval }, actor });
    await push(schedule);
  }
  // What comes later shows that Temporal has done with the change.
  await atTemporal.trigger();
  const runs = await until(async () => {
    const found = await slotsOf(schedule);
    return found.some((run) => atOf(run) >= before - 1_000) ? found : undefined;
  }, 'the trigger has made its run');
  expect(runs.map(atOf).filter((at) => at < before - 1_000)).toEqual([]);
  const { recentActions } = (await atTemporal.describe()).info;
  expect(recentActions).toHaveLength(1);
  await remove(schedule);
});

it('a schedule that is deleted never fires again, one of the same name in its place aside', async () => {
  const schedule = await create(`${prefix}-gone`, { interval: { every: '1s' }, overlap: 'allow_all' });
  await until(async () => ((await slotsOf(schedule)).length > 1 ? true : undefined), 'it fires');
  await remove(schedule);
  const removedAt = Date.now();
  await passed(removedAt + 4_000);
  expect((await slotsOf(schedule)).filter((run) => atOf(run) > removedAt)).toEqual([]);
  await create(schedule.project, { cron: '@yearly' });
  await passed(Date.now() + 2_000);
  expect((await slotsOf(schedule)).filter((run) => atOf(run) > removedAt)).toEqual([]);
  await remove(schedule);
});

it('a schedule that is paused makes no run, and none of the times of its pause when it goes on', async () => {
  const schedule = await create(`${prefix}-pause`, { interval: { every: '1s' }, overlap: 'allow_all' });
  await until(async () => ((await slotsOf(schedule)).length > 0 ? true : undefined), 'it fires');
  const pause = async (paused: boolean) => {
    await store.schedules.pause({ ...schedule, paused, note: null, actor });
    await push(schedule);
    return Date.now();
  };
  const pausedAt = await pause(true);
  await passed(pausedAt + 3_000);
  const resumedAt = await pause(false);
  const runs = await until(async () => {
    const found = await slotsOf(schedule);
    return found.some((run) => atOf(run) > resumedAt) ? found : undefined;
  }, 'it fires again');
  await remove(schedule);
  const between = runs.map(atOf).filter((at) => at > pausedAt && at < resumedAt - 1_000);
  expect(between).toEqual([]);
});
