import { makePlan } from '../graph/plan.ts';
import type { GraphRunDetail, Verification } from '../graph/resources.ts';
import type { Store } from '../store/store.ts';
import { compareRun, type RunRows } from './compare-run.ts';
import type { TemporalView } from './temporal-view.ts';

export interface VerifyDependencies {
  readonly store: Pick<Store, 'graphRuns' | 'graphs'>;
  readonly temporal: TemporalView;
}

const unprovable: Verification = { verdict: 'unprovable', differences: [], explained: [], events: 0 };

/**
 * Compares a graph run with Temporal's history of the execution that carries it out: state, reason, output and order.
 * @throws CodedError GRAPH_RUN_UNKNOWN
 */
export async function verifyGraphRun(deps: VerifyDependencies, id: string): Promise<Verification> {
  const first = await verifyOnce(deps, id);
  // Rows and history are read one after the other: what moved in between is read once more.
  return first.verdict === 'different' ? verifyOnce(deps, id) : first;
}

async function verifyOnce({ store, temporal }: VerifyDependencies, id: string): Promise<Verification> {
  const facts = await store.graphRuns.facts(id);
  const task = facts.run.tasks.at(-1);
  if (!task || facts.projectId === null || facts.run.version === null) return unprovable;
  const view = await temporal.describe(task);
  if (!view) return unprovable;
  const history = await temporal.history(task);
  const graph = await store.graphs.load(facts.projectId, facts.run.version);
  const plan = makePlan(graph, new Set(facts.run.jobRuns.map(({ job }) => job)));
  const { differences, explained } = compareRun(rowsOf(facts), plan, view, history);
  const verdict = differences.length > 0 ? 'different' : 'equal';
  return { verdict, differences, explained, events: history.events };
}

function rowsOf(facts: { run: GraphRunDetail; outputHashes: ReadonlyMap<string, string> }): RunRows {
  const { run, outputHashes } = facts;
  const jobs = run.jobRuns.map(({ id, job, state, reason }) => {
    return [job, { state, reason, outputHash: outputHashes.get(id) ?? null }] as const;
  });
  return { state: run.state, reason: run.reason, jobs: new Map(jobs) };
}
