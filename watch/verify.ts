import type { Verification } from '../graph/inspections.ts';
import { makePlan, type Plan } from '../graph/plan.ts';
import { keptJobs } from '../graph/resume.ts';
import { isFinal } from '../graph/states.ts';
import type { JobFacts, RunFacts, Store } from '../store/store.ts';
import { compareRun } from './compare-run.ts';
import type { Compared, JobRowFacts, RunRows } from './compared.ts';
import { isMarked, partsOf, type RunPart } from './run-parts.ts';
import { isNotFound } from './temporal-errors.ts';
import type { ExecutionId, TemporalView } from './temporal-view.ts';

export interface VerifyDependencies {
  readonly store: Pick<Store, 'runs' | 'jobRuns' | 'graphs'>;
  readonly temporal: Pick<TemporalView, 'describe' | 'history'>;
}

/**
 * Compares a graph run with what Temporal says of the execution that carries it out: its history, and Describe while it is
 * open. An execution that a reset made begins with a copy of the one before, so that the newest Task tells of the jobs that
 * were kept as well; those before it tell of what is not any more. What a resume has kept is told by the workflow before.
 * @throws CodedError GRAPH_RUN_UNKNOWN
 */
export function verifyGraphRun(deps: VerifyDependencies, id: string): Promise<Verification> {
  return verify(deps, () => deps.store.runs.factsOfGraphRun(id));
}

/** The same for a job run: of one in a graph run, what concerns it. @throws CodedError JOB_RUN_UNKNOWN */
export async function verifyJobRun(deps: VerifyDependencies, id: string): Promise<Verification> {
  const { graphRunId, job } = await deps.store.jobRuns.get(id);
  if (graphRunId === null) return verify(deps, () => deps.store.runs.factsOfJobRun(id));
  const whole = await verifyGraphRun(deps, graphRunId);
  const differences = whole.differences.filter((found) => found.job === job || found.fact === 'execution');
  const explained = whole.explained.filter((found) => found.job === job);
  return whole.verdict === 'unprovable' ? whole : { ...whole, ...conclude(differences), explained };
}

/**
 * Rows and history are read one after the other, and a run that is open moves on in between. What is different is read once
 * more: only what differs again, in the same way, is told.
 */
async function verify(deps: VerifyDependencies, read: () => Promise<RunFacts>): Promise<Verification> {
  const first = await verifyOnce(deps, await read());
  if (first.verdict !== 'different') return first;
  const seen = new Set(first.differences.map((difference) => JSON.stringify(difference)));
  const again = await verifyOnce(deps, await read());
  if (again.verdict !== 'different') return again;
  const differences = again.differences.filter((difference) => seen.has(JSON.stringify(difference)));
  return { ...again, ...conclude(differences) };
}

async function verifyOnce(deps: VerifyDependencies, run: RunFacts): Promise<Verification> {
  const task = run.tasks.at(-1);
  if (!run.pinned) return unprovable('the run is not valid, and has no graph to be held to');
  if (!task || task.epoch < run.epoch) {
    const why = isFinal(run.state)
      ? 'it was ended before it had an execution'
      : 'no execution has opened the run yet';
    return unprovable(why);
  }
  const found: Found = {
    differences: [],
    explained: run.jobs.filter(isMarked).map(explainMarked),
    events: 0,
  };
  for (const part of partsOf(run)) {
    const refused = await verifyPart(deps, run, part, found);
    if (refused) return refused;
  }
  return { ...conclude(found.differences), explained: found.explained, why: null, events: found.events };
}

function explainMarked({ job, state }: JobFacts): Compared['explained'][number] {
  const why = 'somebody marked it as done by hand when the run was resumed: no execution has done it';
  return { job, fact: 'state', row: state, history: null, why };
}

interface Found extends Compared {
  events: number;
}

/** Answers with what makes the rest vain. */
async function verifyPart(
  { store, temporal }: VerifyDependencies,
  run: RunFacts,
  part: RunPart,
  found: Found,
): Promise<Verification | null> {
  const { task } = part;
  const view = await temporal.describe(task);
  const history = view ? await readHistory(temporal, task) : null;
  if (!view || !history || !run.pinned) return unprovable(gone);
  found.events += history.events;
  // One that a later epoch has left behind may have been reset as well.
  if (view.resetRunId !== null && part.isNewest) {
    const difference = { job: null, fact: 'execution', row: task.runId, history: view.resetRunId } as const;
    return { ...conclude([difference]), explained: [], why: null, events: history.events };
  }
  const graph = await store.graphs.load(run.pinned.projectId, part.version);
  const plan = makePlan(graph, new Set(run.jobs.map(({ job }) => job)));
  const compared = compareRun(rowsOf(run, part, plan), plan, view, history, keptJobs(plan, part.before));
  found.differences.push(...compared.differences);
  found.explained.push(...compared.explained);
  return null;
}

const gone =
  'Temporal does not have the history any more: its retention is over, or the workflow was deleted';

async function readHistory(temporal: VerifyDependencies['temporal'], task: ExecutionId) {
  try {
    return await temporal.history(task);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

function conclude(differences: Verification['differences']): Pick<Verification, 'verdict' | 'differences'> {
  return { verdict: differences.length > 0 ? 'different' : 'equal', differences };
}

function unprovable(why: string): Verification {
  return { verdict: 'unprovable', why, differences: [], explained: [], events: 0 };
}

function rowsOf({ type, state, reason }: RunFacts, part: RunPart, plan: Plan): RunRows {
  const known = new Set(plan.keys);
  return {
    run: type === 'graph_run' && part.isNewest ? { state, reason } : null,
    jobs: new Map(part.jobs.flatMap((job) => (known.has(job.job) ? [[job.job, rowOf(job)]] : []))),
  };
}

function rowOf({ state, reason, error, outputHash, executions }: JobFacts): JobRowFacts {
  return {
    ...{ state, reason, outputHash, error: error?.message ?? null },
    attempts: new Map(executions.map((execution) => [execution.runId, execution])),
  };
}
