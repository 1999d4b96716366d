import type { GraphDefinition } from '../../../graph/definition.ts';
import type { FaultStack } from './fault-stack.ts';
import { untilBegun } from './wait-for.ts';

/** Laid over the job `held`: its config, and its rules in the graph. */
export interface HeldOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly rules?: Readonly<Record<string, unknown>>;
  /** Beside the three. */
  readonly more?: GraphDefinition['jobs'];
}

/** Comes after `held`, whatever becomes of it. */
export const always: GraphDefinition['jobs'] = {
  always: { kind: 'step', dependsOn: ['held'], runIf: 'all_done' },
};

/**
 * Pushes and starts a graph that begins with `before`; `held` waits at a latch with the project's name, and publishes
 * afterwards though it was told to stop; `after` comes next. Resolves with the run's id once `held` has begun so often.
 */
export async function startHeld(
  stack: FaultStack,
  project: string,
  options: HeldOptions = {},
  times = 1,
): Promise<string> {
  await pushHeld(stack, project, options);
  const id = await stack.start(project);
  await untilBegun(stack, id, 'held', times);
  return id;
}

/** The graph of `startHeld` alone. */
export async function pushHeld(
  stack: FaultStack,
  project: string,
  { config = {}, rules = {}, more = {} }: HeldOptions = {},
): Promise<void> {
  const held = { latch: project, heedless: true, ...config };
  await stack.push({
    project,
    jobs: {
      before: { kind: 'count' },
      held: { kind: 'count', config: held, dependsOn: ['before'], ...rules },
      after: { kind: 'count', dependsOn: ['held'] },
      ...more,
    },
  });
}
