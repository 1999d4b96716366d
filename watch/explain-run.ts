// Why a run is not done, and what to do about it. Pure.
import type { Explanation, QueueView, WaitingJob, WaitReason } from '../graph/inspections.ts';
import { waitReasons } from '../graph/inspections.ts';
import { limits } from '../graph/limits.ts';
import type { Plan } from '../graph/plan.ts';
import { isFinal } from '../graph/states.ts';
import type { RunError } from '../graph/transitions.ts';
import type { RunLine } from '../store/run-line.ts';
import type { JobFacts, RunFacts } from '../store/store.ts';
import { explainJob, type JobContext } from './explain-job.ts';
import { judgeCancelled, judgePaused, withCancel, withPause } from './explain-requests.ts';
import type { PendingActivity } from './pending-activities.ts';
import { isDeserted, isUnpolled, toQueueView } from './queue-views.ts';
import type { PolledQueue } from './task-queues.ts';
import type { ExecutionView } from './temporal-view.ts';

export interface ExplainFacts {
  readonly run: RunFacts;
  /** Null for an invalid run. */
  readonly plan: Plan | null;
  /** Of its jobs, the only one that is asked about. */
  readonly only: string | null;
  /** Null when Temporal did not answer. */
  readonly temporal: TemporalFacts | null;
  readonly now: Date;
}

export interface TemporalFacts {
  /** Null when Temporal does not have it. */
  readonly execution: ExecutionView | null;
  /** Why its workflow task fails, where it does. */
  readonly taskFailure: RunError | null;
  readonly queues: readonly PolledQueue[];
}

export function explainRun(facts: ExplainFacts): Explanation {
  const { run, temporal, only } = facts;
  const { type, id, project, state } = run;
  const queues = (temporal?.queues ?? []).map((queue) => toQueueView(queue, facts.now));
  const jobs = isFinal(state) ? [] : explainJobs(facts, queues);
  const asked = only === null ? jobs : jobs.filter(({ job }) => job === only);
  const judged = judgeRun(facts, queues, jobs);
  const judgement = isFinal(state) ? judged : withCancel(run.cancelRequest, withPause(run, judged));
  const byReason = waitReasons.map((reason) => asked.filter((job) => job.reason === reason));
  return {
    run: { type, id, project, state, ...judgement },
    temporalAnswered: temporal !== null || isFinal(state),
    waiting: byReason.flatMap((group) => {
      const [first] = group;
      return first ? [{ reason: first.reason, jobs: group.length }] : [];
    }),
    jobs: byReason.flatMap((group) => group.slice(0, limits.explainedJobsPerReason)),
    queues,
  };
}

function explainJobs({ run, plan, temporal, now }: ExplainFacts, queues: readonly QueueView[]): WaitingJob[] {
  const execution = temporal?.execution ?? null;
  const jobs = run.jobs.filter((job) => !isFinal(job.state));
  const open = new Set(jobs.map(({ job }) => job));
  const places = new Map(plan?.keys.map((key, place) => [key, place]));
  const context: JobContext = {
    ...{ plan, places, open, execution, queues, now },
    passing: new Set(plan?.passing),
    due: dueAmong(jobs, execution),
    hasBegun: execution !== null || run.tasks.length > 0,
    temporalAnswered: temporal !== null,
  };
  return jobs.map((job) => explainJob(job, context));
}

/** Places in the window are free for a moment only: those that are ready take them in their order. */
function dueAmong(jobs: readonly JobFacts[], execution: ExecutionView | null): Set<string> {
  const pending = execution?.pending ?? new Map<string, PendingActivity>();
  const inFlight = jobs.filter(({ job }) => pending.has(job)).length;
  const ready = jobs.filter(({ job, reason }) => {
    return !pending.has(job) && (reason === 'queued' || reason === 'window');
  });
  const free = Math.max(0, limits.jobsInFlightDefault - inFlight);
  return new Set(ready.slice(0, free).map(({ job }) => job));
}

export interface Judgement {
  readonly reason: string | null;
  readonly message: string;
}

function judgeRun(facts: ExplainFacts, queues: readonly QueueView[], jobs: readonly WaitingJob[]): Judgement {
  const { run, temporal } = facts;
  if (isFinal(run.state)) {
    return { reason: run.reason, message: `It has ended; "graphrun show ${run.id}" tells how.` };
  }
  const held = judgeHeld(run);
  if (held) return held;
  if (!temporal) {
    const away = 'Temporal (TEMPORAL_ADDRESS) does not answer: this is what the rows say. Is it up?';
    const stuck = run.reason === 'stuck' ? ` Its workflow task failed: ${firstLine(run.error?.message)}` : '';
    return { reason: run.reason, message: `${away}${stuck}` };
  }
  return (
    judgeExecution(run, temporal) ??
    judgeCancelled(run, temporal, jobs) ??
    judgePaused(run, temporal) ??
    judgeWork(facts, temporal, queues, jobs)
  );
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0] ?? '';
}

/** Temporal and the rows stand apart: what mends it. */
function judgeExecution(run: RunFacts, { execution }: TemporalFacts): Judgement | null {
  const follow =
    'The rows follow within seconds; if they do not, no API or worker process is up to see to it.';
  if (!execution) {
    if (run.tasks.length > 0) {
      const message = `Temporal does not have its workflow any more: it was deleted, or its data is gone. ${follow}`;
      return { reason: 'catching_up', message };
    }
    const message =
      'Temporal has no workflow of it yet. API and worker processes send the start again every second until there is one.';
    return { reason: 'not_started', message };
  }
  if (execution.resetRunId !== null) {
    return { reason: 'catching_up', message: `Its workflow was reset in Temporal. ${follow}` };
  }
  if (execution.status === 'RUNNING' || execution.status === 'PAUSED') return null;
  return {
    reason: 'catching_up',
    message: `Its workflow has ended in Temporal as ${execution.status}. ${follow}`,
  };
}

/** It is not to be started yet. */
function judgeHeld({ reason, line }: RunFacts): Judgement | null {
  if (reason === 'slot') return { reason, message: describeLine(line) };
  return reason === 'gate' ? { reason, message: 'It waits for its connectors.' } : null;
}

function describeLine(line: RunLine | undefined): string {
  const waits = 'It waits for another run of the project to end.';
  if (!line) return waits;
  const { maxOpenRuns, ahead, open, openCount } = line;
  const more = openCount - open.length;
  const holders = `${open.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const before = ahead === 0 ? 'It is the next one' : `${ahead} that came before wait as well`;
  return `${waits} ${before}. The graph's maxOpenRuns is ${maxOpenRuns}; open: ${holders || 'none'}.`;
}

function judgeWork(
  { run: { reason }, now }: ExplainFacts,
  temporal: TemporalFacts,
  queues: readonly QueueView[],
  jobs: readonly WaitingJob[],
): Judgement {
  const { taskFailure } = temporal;
  const task = temporal.execution?.workflowTask ?? null;
  if (task && taskFailure) {
    const message = `Its workflow task fails, attempt ${task.attempts} by now, and nothing goes on: ${firstLine(taskFailure.message)}. Deploy workers whose code fits the run, or reset it.`;
    return { reason: 'stuck', message };
  }
  const deserted = desertedQueue(temporal, queues, now);
  if (deserted) {
    const message = `No worker polls the task queue "${deserted}": start one (npm run worker), or wait for one that is busy.`;
    return { reason: 'no_worker', message };
  }
  if (task && !task.isTaken)
    return { reason: reason ?? 'queued', message: 'Its workflow waits for a worker to take it on.' };
  if (task && reason === 'queued') return { reason, message: 'A worker has taken its workflow on just now.' };
  return judgeJobs(reason, jobs);
}

/** A task queue that somebody waits for and nobody polls. */
function desertedQueue({ execution }: TemporalFacts, queues: readonly QueueView[], now: Date): string | null {
  const task = execution?.workflowTask;
  const own = queues.find(({ kind }) => kind === 'workflow');
  if (task && !task.isTaken && own && isUnpolled(own, task.scheduledAt, now)) return own.taskQueue;
  const pending = [...(execution?.pending.values() ?? [])];
  const found = queues.find((queue) => queue.kind === 'activity' && isDeserted(queue, pending, now));
  return found?.taskQueue ?? null;
}

const verbs: Record<WaitReason, string> = {
  no_worker: 'without a worker',
  paused: 'paused',
  retry: 'waiting for the next attempt',
  stopping: 'told to stop',
  settling: 'ended, and about to be written',
  queued: 'waiting for a worker',
  running: 'running',
  external: 'running in another system',
  slot: 'waiting for a slot of a pool',
  window: 'waiting for the number in flight to fall',
  upstream: 'waiting for jobs above them',
};

/** These wait for others, and go on by themselves. */
const follows = new Set<WaitReason>(['paused', 'upstream']);

/** By its own jobs. One that is paused in Temporal goes on by nobody's doing but a person's. */
function judgeJobs(reason: string | null, jobs: readonly WaitingJob[]): Judgement {
  if (jobs.length === 0) {
    return { reason, message: 'All its jobs have ended; its own end is about to be written.' };
  }
  const [paused, ...more] = jobs.filter((job) => job.reason === 'paused');
  if (!paused) return { reason, message: `It goes on: ${summarize(jobs)}.` };
  const others = more.length > 0 ? `, and ${more.length} more are paused` : '';
  const needs = `needs somebody: the job "${paused.job}" is ${paused.message}${others}`;
  if (jobs.every((job) => follows.has(job.reason))) return { reason: 'paused', message: `It ${needs}` };
  return { reason, message: `It goes on: ${summarize(jobs)}. It also ${needs}` };
}

function summarize(jobs: readonly WaitingJob[]): string {
  const counts = waitReasons.flatMap((reason) => {
    const count = jobs.filter((job) => job.reason === reason).length;
    return count > 0 ? [`${count} ${verbs[reason]}`] : [];
  });
  return counts.join(', ');
}
