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
  const definition = {
    project,
    maxOpenRuns,
    jobs: Object.fromEntries(
      Object.entries(jobs).map(([key, dependsOn]) => [key, { kind: 'noop', dependsOn }]),
    ),
  };
  const validation = validateGraph(definition, new Map([['noop', noop]]));
  if (!validation.ok) throw new Error(JSON.stringify(validation.problems));
  const known = await store.projects.list({ limit: 500 });
  if (!known.items.some(({ name }) => name === project)) {
    await store.projects.create({ name: project, timezone: 'UTC', actor: 'test' });
  }
  await store.graphs.push({ ...validation, actor: 'test' });
  return definition;
}
