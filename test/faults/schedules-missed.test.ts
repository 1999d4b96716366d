// Times of schedules that pass while somebody is away: how many runs come of them is up to the schedule, not to who was away.
import { expect } from 'vitest';
import type { GraphRunView } from '../../client/index.ts';
import type { CatchUpPolicy, OverlapPolicy } from '../../graph/schedules/policies.ts';
import { isFinal } from '../../graph/states.ts';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';

const stack = await useFaultStack({ workers: 2 });
const { client, temporalClient } = stack;

const everyMs = 5_000;
const slots = 3;
/** For all schedules to be made, and for the outage to begin before their first time. */
const beforeMs = 12_000;
/** What comes later than a minute is missed, whatever the schedule says of that. */
const lateMs = 62_000;
const name = 'a';

/** As the guide says: none of them, one run of the newest, or one of each. */
const expected: Readonly<Record<CatchUpPolicy, readonly number[]>> = {
  none: [],
  latest: [2],
  all: [0, 1, 2],
};

interface Policy {
  readonly missed: CatchUpPolicy;
  readonly overlap: OverlapPolicy;
}

/** Whether Temporal skips or holds back what comes meanwhile makes no difference. */
const policies: readonly Policy[] = [
  { missed: 'all', overlap: 'buffer_all' },
  { missed: 'latest', overlap: 'skip' },
  { missed: 'latest', overlap: 'buffer_all' },
  { missed: 'none', overlap: 'skip' },
  { missed: 'none', overlap: 'buffer_one' },
  { missed: 'none', overlap: 'buffer_all' },
];

interface Missed {
  readonly first: number;
  readonly last: number;
  projectOf(policy: Policy): string;
}

/** A schedule of each policy, which fires a few times and never again. */
async function createSchedules(prefix: string): Promise<Missed> {
  const projectOf = ({ missed, overlap }: Policy) => `${prefix}-${missed}-${overlap.replace('_', '-')}`;
  for (const policy of policies) {
    const project = projectOf(policy);
    await stack.push({
      project,
      maxOpenRuns: 10,
      jobs: { a: { kind: 'count' }, b: { kind: 'step', dependsOn: ['a'] } },
    });
  }
  const first = Math.ceil((Date.now() + beforeMs) / everyMs) * everyMs;
  const last = first + (slots - 1) * everyMs;
  for (const policy of policies) {
    const project = projectOf(policy);
    await client.schedules.create(project, {
      name,
      interval: { every: `${everyMs / 1_000}s` },
      ...{ startAt: new Date(first).toISOString(), endAt: new Date(last).toISOString() },
      ...{ catchUp: { missed: policy.missed }, overlap: policy.overlap },
    });
    const isApplied = async () => (await client.schedules.get(project, name)).isApplied || undefined;
    await until(isApplied, 'Temporal has it');
  }
  expect(Date.now()).toBeLessThan(first);
  return { first, last, projectOf };
}

const passed = (at: number) =>
  until(() => Date.now() > at || undefined, `it is ${new Date(at).toISOString()}`, 100_000);

/** Temporal has done with all of its times. */
async function untilOver(project: string): Promise<void> {
  const handle = temporalClient.schedule.getHandle(`${project}/${name}`);
  await until(async () => {
    const { info } = await handle.describe().catch(() => ({ info: null }));
    if (!info || info.runningActions.length > 0) return undefined;
    const { numActionsTaken, numActionsSkippedOverlap, numActionsMissedCatchupWindow } = info;
    return numActionsTaken + numActionsSkippedOverlap + numActionsMissedCatchupWindow >= slots || undefined;
  }, `${project} fires no more`);
}

const runsOf = async (project: string): Promise<GraphRunView[]> =>
  (await client.graphRuns.list({ project })).items.toReversed();

/** Waits for the runs that are to come of what was missed; there are no others. */
async function expectRuns({ first, projectOf }: Missed): Promise<void> {
  for (const policy of policies) {
    const project = projectOf(policy);
    const runs = await until(
      async () => {
        const found = await runsOf(project).catch(() => []);
        const areThere =
          found.length >= expected[policy.missed].length && found.every(({ state }) => isFinal(state));
        return areThere ? found : undefined;
      },
      `${project} has made its runs`,
      40_000,
    );
    if (policy.missed !== 'none') stack.runs.push(...runs.map(({ id }) => id));
  }
  for (const policy of policies) {
    const project = projectOf(policy);
    await untilOver(project);
    const at = (await runsOf(project)).map(
      ({ scheduledAt }) => (Date.parse(scheduledAt ?? '') - first) / everyMs,
    );
    expect({ policy, slots: at.toSorted() }).toEqual({ policy, slots: expected[policy.missed] });
  }
}

fault('70', 'all workers and the API away over three times of schedules', async (clock) => {
  const missed = await createSchedules('workers');
  const away = [...stack.workers, stack.api];
  await Promise.all(away.map((each) => each.kill()));
  expect(Date.now()).toBeLessThan(missed.first);
  await passed(missed.last + lateMs);
  await Promise.all(away.map((each) => each.start()));
  clock.over();
  await expectRuns(missed);
  await expectSound(stack, clock);
});

fault('70', 'Temporal away over three times of schedules', async (clock) => {
  const missed = await createSchedules('temporal');
  await stack.temporal.kill();
  expect(Date.now()).toBeLessThan(missed.first);
  await passed(missed.last + lateMs);
  await stack.temporal.start();
  clock.over();
  await expectRuns(missed);
  await expectSound(stack, clock);
});

fault('70', 'Postgres away over three times of schedules', async (clock) => {
  const missed = await createSchedules('postgres');
  await stack.postgres.kill();
  expect(Date.now()).toBeLessThan(missed.first);
  await passed(missed.last + lateMs);
  await stack.postgres.start();
  clock.over();
  await expectRuns(missed);
  await expectSound(stack, clock);
});
