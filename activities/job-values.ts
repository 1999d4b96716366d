// What a job is given of its run. Read by the worker, and not handed on by the workflow: in the history it would be there
// once a job.
import type { Params } from '../graph/graph.ts';
import type { Dependencies } from './dependencies.ts';
import { jobRunIdFor, type RunJobInput } from './resolve-job.ts';
import { whileStoreIsAway } from './while-store-is-away.ts';

/** The run's parameters, with the defaults; not asked for where the graph has none. */
export async function readParams(
  { store }: Pick<Dependencies, 'store'>,
  input: RunJobInput,
  signal: AbortSignal,
): Promise<Params> {
  const { graphRunId } = input;
  const run = graphRunId !== undefined ? { graphRunId } : { jobRunId: jobRunIdFor(input) };
  const graph = await store.graphs.load(input.projectId, input.version);
  return graph.params ? whileStoreIsAway(() => store.values.paramsOf(run), signal) : {};
}
