import type { GraphRunDetail } from '../../../graph/resources.ts';
import { isFinal } from '../../../graph/states.ts';
import { jobRunIdOf } from '../../../store/index.ts';
import { until } from '../../support/until.ts';
import type { FaultClock } from './fault.ts';
import type { FaultStack } from './fault-stack.ts';

/** What was done outside is seen in the API within this. */
export const shownWithinMs = 5_000;

/** Waits until a run shows what was done to it outside: then its rows are right. Resolves with the run. */
export function untilShown(
  stack: FaultStack,
  clock: FaultClock,
  graphRunId: string,
  shows: (run: GraphRunDetail) => boolean,
  withinMs = shownWithinMs,
): Promise<GraphRunDetail> {
  return until(
    async () => {
      const run = await stack.client.graphRuns.get(graphRunId).catch(() => undefined);
      if (!run || !shows(run)) return undefined;
      clock.right();
      return run;
    },
    `run ${graphRunId} shows what was done to it`,
    withinMs,
  );
}

/** For `untilShown`: the run is over. */
export function hasEnded({ state }: GraphRunDetail): boolean {
  return isFinal(state);
}

/** Waits until the code of a job has begun so often, whatever its rows say. */
export async function untilBegun(
  stack: FaultStack,
  graphRunId: string,
  job: string,
  times = 1,
): Promise<void> {
  await until(
    () => (triesOf(stack, graphRunId, job).length >= times ? true : undefined),
    `${job} has begun ${times} times`,
  );
}

/** How often the code of a job has begun, and when. */
export function triesOf(stack: FaultStack, graphRunId: string, job: string): { readonly at: number }[] {
  const jobRunId = jobRunIdOf(graphRunId, job);
  return stack.latches.journal().filter((each) => each.event === 'begun' && each.jobRunId === jobRunId);
}

/** Waits until no attempt is left in any worker, of those too that Temporal has given up, and starts the workers again. */
export async function untilIdle(stack: FaultStack): Promise<void> {
  await Promise.all(stack.workers.map((worker) => worker.drain()));
  await Promise.all(stack.workers.map((worker) => worker.start()));
}

/** Brings the watch into the hands of the API, or of a worker. */
export async function letWatch(stack: FaultStack, watcher: 'api' | 'worker'): Promise<void> {
  const isHolder = async () => {
    const held = await stack.sql(
      `SELECT FROM lease WHERE name = 'watch' AND split_part(holder, ':', 1) = $1 AND expires_at > now()`,
      [watcher],
    );
    return held.length > 0 ? true : undefined;
  };
  const others = watcher === 'api' ? stack.workers : [stack.api];
  const stopped = (await isHolder()) ? [] : others.filter(({ isRunning }) => isRunning);
  // Told to end, a process gives the watch away.
  await Promise.all(stopped.map((other) => other.drain()));
  await until(isHolder, `the ${watcher} watches`, 12_000);
  await Promise.all(stopped.map((other) => other.start()));
}
