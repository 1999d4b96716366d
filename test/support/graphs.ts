import { z } from 'zod';
import type { GraphDefinition } from '../../graph/definition.ts';
import type { KindRules } from '../../graph/kinds.ts';
import { validateGraph } from '../../graph/validate.ts';
import type { Store } from '../../store/store.ts';

const noop: KindRules = {
  kind: 'noop',
  config: z.strictObject({}),
  inputs: () => [],
  files: () => [],
  outputs: () => [],
};

/** Makes a project of no-op jobs, given as `job: parents`, where only the store is under test. */
export async function pushNoops(
  store: Store,
  project: string,
  jobs: Record<string, string[]>,
  { maxOpenRuns = 100 } = {},
): Promise<GraphDefinition> {
  const named = Object.entries(jobs).map(([key, dependsOn]) => [key, { kind: 'noop', dependsOn }] as const);
  return push(store, { project, maxOpenRuns, jobs: Object.fromEntries(named) });
}

/** Likewise, of jobs that ask for slots of pools, given as `job: pools`. */
export async function pushPooled(
  store: Store,
  project: string,
  jobs: Record<string, Record<string, number>>,
): Promise<GraphDefinition> {
  const named = Object.entries(jobs).map(([key, pools]) => [key, { kind: 'noop', pools }] as const);
  return push(store, { project, maxOpenRuns: 100, jobs: Object.fromEntries(named) });
}

async function push(store: Store, definition: GraphDefinition): Promise<GraphDefinition> {
  const { project } = definition;
  const validation = validateGraph(definition, new Map([['noop', noop]]));
  if (!validation.ok) throw new Error(JSON.stringify(validation.problems));
  const known = await store.projects.list({ limit: 500 });
  if (!known.items.some(({ name }) => name === project)) {
    await store.projects.create({ name: project, timezone: 'UTC', actor: 'test' });
  }
  await store.graphs.push({ ...validation, actor: 'test' });
  return definition;
}
