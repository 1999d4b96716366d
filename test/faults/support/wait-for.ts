import type { GraphRunDetail } from '../../../graph/resources.ts';
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

/** Waits until the watch is in the hands of the API, which outlives the workers. */
export async function untilApiWatches(stack: FaultStack): Promise<void> {
  await until(
    async () => {
      const held = await stack.sql(
        `SELECT FROM lease WHERE name = 'watch' AND holder LIKE 'api:%' AND expires_at > now()`,
      );
      return held.length > 0 ? true : undefined;
    },
    'the API watches',
    12_000,
  );
}
