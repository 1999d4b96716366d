import type { GraphDefinition } from '../../graph/definition.ts';
import { validateGraph } from '../../graph/validate.ts';
import type { AnyJobKind } from '../../jobs/define-job-kind.ts';
import type { Store } from '../../store/store.ts';

/**
 * Makes the project if it is missing and pushes its graph, which may use kinds that only tests have. Its runs wait for each other
 * only where it says how many may be open.
 */
export async function pushGraph(
  store: Store,
  kinds: ReadonlyMap<string, AnyJobKind>,
  definition: GraphDefinition,
): Promise<void> {
  const actor = 'test';
  const validation = validateGraph({ maxOpenRuns: 100, ...definition }, kinds);
  if (!validation.ok) throw new Error(JSON.stringify(validation.problems));
  await store.projects
    .create({ name: definition.project, timezone: 'UTC', actor })
    .catch((error: unknown) => {
      if (!String(error).includes('exists')) throw error;
    });
  await store.graphs.push({ ...validation, actor });
}
