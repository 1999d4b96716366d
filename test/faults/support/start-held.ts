import type { FaultStack } from './fault-stack.ts';
import { untilBegun } from './wait-for.ts';

/** Laid over the job `held`: its config, and its rules in the graph. */
export interface HeldOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly rules?: Readonly<Record<string, unknown>>;
}

/**
 * Pushes and starts a graph that begins with `before`; `held` waits at a latch with the project's name, and publishes
 * afterwards though it was told to stop; `after` comes next. Resolves with the run's id once `held` has begun so often.
 */
export async function startHeld(
  stack: FaultStack,
  project: string,
  { config = {}, rules = {} }: HeldOptions = {},
  times = 1,
): Promise<string> {
  await pushHeld(stack, project, { config, rules });
  const id = await stack.start(project);
  await untilBegun(stack, id, 'held', times);
  return id;
}

/** The graph of `startHeld` alone. */
export async function pushHeld(
  stack: FaultStack,
  project: string,
  { config = {}, rules = {} }: HeldOptions = {},
): Promise<void> {
  const held = { latch: project, heedless: true, ...config };
  await stack.push({
    project,
    jobs: {
      before: { kind: 'count' },
      held: { kind: 'count', config: held, dependsOn: ['before'], ...rules },
      after: { kind: 'count', dependsOn: ['held'] },
    },
  });
}
