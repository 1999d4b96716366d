// Many schedules: made and listed by the API, and a hundred that fire at the same moment, beside as many of bare Temporal.
import { setTimeout as pause } from 'node:timers/promises';
import type { Note } from './benchmark.ts';
import { bareFirings, createBareSchedules, type Firing, graphRunFirings } from './firings.ts';
import { noopKind } from './kinds.ts';
import { measureList } from './list-times.ts';
import type { Stack } from './stack.ts';

export interface ScheduleSizes {
  readonly schedules: number;
  /** Of these, how many fire at the same moment. */
  readonly firing: number;
  /** How many moments. */
  readonly rounds: number;
}

export interface ScheduleResults {
  /** Of each POST, several at once. */
  readonly createMs: readonly number[];
  readonly createAllMs: number;
  /** Of each GET of a page. */
  readonly listMs: readonly number[];
  /** How many runs are expected of each. */
  readonly firings: number;
  readonly graphRuns: readonly Firing[];
  readonly bare: readonly Firing[];
}

export const createdAtOnce = 10;
export const pageLimit = 100;
const listedTimes = 50;
/** From one round to the next; bare schedules fire in the middle. */
export const everyMs = 30_000;
/** Far more than making one takes: none is to miss the first round. */
const makingMs = 150;
const project = 'scheduled';
/** A day that is not near. */
const farAway = '0 0 29 2 *';

export async function measureSchedules(
  stack: Stack,
  sizes: ScheduleSizes,
  note: Note,
): Promise<ScheduleResults> {
  const { schedules, firing, rounds } = sizes;
  await stack.api.projects.create({ name: project });
  const jobs = { job_0000: { kind: noopKind.kind } };
  await stack.api.graphs.push(project, { project, maxOpenRuns: 10_000, jobs });
  const begun = performance.now();
  const far = await createSchedules(stack, 'far', schedules - firing, { cron: farAway });
  const first = Math.ceil((Date.now() + 2 * firing * makingMs) / everyMs) * everyMs;
  const last = first + (rounds - 1) * everyMs;
  const near = await createSchedules(stack, 'near', firing, {
    interval: { every: `${everyMs / 1_000}s` },
    startAt: new Date(first).toISOString(),
    endAt: new Date(last).toISOString(),
  });
  const createAllMs = performance.now() - begun;
  note(`${schedules} schedules made in ${(createAllMs / 1_000).toFixed(1)} s`);
  const middle = everyMs / 2;
  await createBareSchedules(stack, firing, { everyMs, first: first + middle, last: last + middle });
  const ask = () => stack.api.schedules.list(project, { limit: pageLimit });
  // The watch sends statements as well: they are not counted.
  const { samplesMs: listMs } = await measureList('', { times: listedTimes, ask, statements: () => 0 });
  if (Date.now() > first) throw new Error('the first time had passed before all was made');
  note(`they fire at ${new Date(first).toISOString()} and ${rounds - 1} times more`);
  await pause(last + middle - Date.now());
  const graphRuns = await graphRunFirings(stack, project, firing * rounds);
  const bare = await bareFirings(stack, firing * rounds);
  return { createMs: [...far, ...near], createAllMs, listMs, firings: firing * rounds, graphRuns, bare };
}

async function createSchedules(
  stack: Stack,
  prefix: string,
  count: number,
  times: object,
): Promise<number[]> {
  const took: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const name = `${prefix}-${next}`;
      next += 1;
      const begun = performance.now();
      await stack.api.schedules.create(project, { name, ...times });
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: createdAtOnce }, worker));
  return took;
}
