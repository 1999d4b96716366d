// Why a run is not done, and what to do about it. Pure.
import type { Explanation, QueueView, WaitingJob, WaitReason } from '../graph/inspections.ts';
import { waitReasons } from '../graph/inspections.ts';
import { limits } from '../graph/limits.ts';
import type { Plan } from '../graph/plan.ts';
import { isFinal } from '../graph/states.ts';
import type { RunError } from '../graph/transitions.ts';
import type { RunFacts } from '../store/store.ts';
import { explainJob } from './explain-job.ts';
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

/** A poll that finds nothing ends after a minute, and the next begins at once. */
const pollFreshMs = 65_000;

export function explainRun(facts: ExplainFacts): Explanation {
  const { run, temporal, only } = facts;
  const { type, id, project, state } = run;
  const queues = (temporal?.queues ?? []).map((queue) => toQueueView(queue, facts.now));
  const jobs = isFinal(state) ? [] : explainJobs(facts, queues);
  const asked = only === null ? jobs : jobs.filter(({ job }) => job === only);
  const byReason = waitReasons.map((reason) => asked.filter((job) => job.reason === reason));
  return {
    run: { type, id, project, state, ...judgeRun(facts, queues, jobs) },
    temporalAnswered: temporal !== null || isFinal(state),
    waiting: byReason.flatMap((group) => {
      const [first] = group;
      return first ? [{ reason: first.reason, jobs: group.length }] : [];
    }),
    jobs: byReason.flatMap((group) => group.slice(0, limits.explainedJobsPerReason)),
    queues,
  };
}

function explainJobs({ run, plan, temporal }: ExplainFacts, queues: readonly QueueView[]): WaitingJob[] {
  const execution = temporal?.execution ?? null;
  const jobs = run.jobs.filter((job) => !isFinal(job.state));
  const open = new Set(jobs.map(({ job }) => job));
  const places = new Map(plan?.keys.map((key, place) => [key, place]));
  const context = { plan, places, open, temporalAnswered: temporal !== null, execution, queues };
  return jobs.map((job) => explainJob(job, context));
}

interface Judgement {
  readonly reason: string | null;
  readonly message: string;
}

function judgeRun(facts: ExplainFacts, queues: readonly QueueView[], jobs: readonly WaitingJob[]): Judgement {
  const { run, temporal } = facts;
  if (isFinal(run.state)) {
    return { reason: run.reason, message: `It has ended; "graphrun show ${run.id}" tells how.` };
  }
  if (!temporal) {
    const message = 'Temporal (TEMPORAL_ADDRESS) does not answer: this is what the rows say. Is it up?';
    return { reason: run.reason, message };
  }
  return (
    judgeHeld(run) ??
    judgeExecution(run, temporal) ??
    judgePaused(run) ??
    judgeWork(temporal, queues, jobs, run.reason)
  );
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
function judgeHeld({ reason }: RunFacts): Judgement | null {
  if (reason === 'slot') return { reason, message: 'It waits for another run of the project to end.' };
  return reason === 'gate' ? { reason, message: 'It waits for its connectors.' } : null;
}

function judgePaused({ reason }: RunFacts): Judgement | null {
  const message = 'It is paused: what is under way ends, and nothing new begins.';
  return reason === 'paused' ? { reason, message } : null;
}

function judgeWork(
  { execution, taskFailure }: TemporalFacts,
  queues: readonly QueueView[],
  jobs: readonly WaitingJob[],
  reason: string | null,
): Judgement {
  const task = execution?.workflowTask ?? null;
  if (task && taskFailure) {
    const message = `Its workflow task fails, attempt ${task.attempts} by now, and nothing goes on: ${taskFailure.message.split('\n', 1)[0]}. Deploy workers whose code fits the run, or reset it.`;
    return { reason: 'stuck', message };
  }
  const deserted = desertedQueue(execution, queues, jobs);
  if (deserted) {
    const message = `No worker polled the task queue "${deserted}" in the last minute: start one (npm run worker), or wait for one that is busy.`;
    return { reason: 'no_worker', message };
  }
  if (task && !task.isTaken)
    return { reason: reason ?? 'queued', message: 'Its workflow waits for a worker to take it on.' };
  return { reason, message: summarize(jobs) };
}

/** A task queue that somebody waits for and nobody polls. */
function desertedQueue(
  execution: ExecutionView | null,
  queues: readonly QueueView[],
  jobs: readonly WaitingJob[],
): string | null {
  const isDeserted = (queue: QueueView) => queue.pollers === 0;
  const own = queues.find(({ kind }) => kind === 'workflow');
  const task = execution?.workflowTask;
  if (task && !task.isTaken && own && isDeserted(own)) return own.taskQueue;
  const isWaited = (queue: QueueView) => {
    const waiting = [...(execution?.pending.values() ?? [])].filter(({ state }) => state === 'waiting');
    return waiting.some(
      ({ taskQueue, nextAttemptAt }) => taskQueue === queue.taskQueue && nextAttemptAt === null,
    );
  };
  const found = queues.find((queue) => queue.kind === 'activity' && isDeserted(queue) && isWaited(queue));
  return (
    found?.taskQueue ?? (jobs.some((job) => job.reason === 'no_worker') ? (own?.taskQueue ?? null) : null)
  );
}

const verbs: Record<WaitReason, string> = {
  no_worker: 'without a worker',
  paused: 'paused in Temporal',
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

function summarize(jobs: readonly WaitingJob[]): string {
  if (jobs.length === 0) return 'All its jobs have ended; its own end is about to be written.';
  const counts = waitReasons.flatMap((reason) => {
    const count = jobs.filter((job) => job.reason === reason).length;
    return count > 0 ? [`${count} ${verbs[reason]}`] : [];
  });
  return `It goes on: ${counts.join(', ')}.`;
}

function toQueueView({ taskQueue, kind, polls, backlog }: PolledQueue, now: Date): QueueView {
  const last = polls.length > 0 ? new Date(Math.max(...polls.map((poll) => poll.getTime()))) : null;
  return {
    taskQueue,
    kind,
    pollers: polls.filter((poll) => now.getTime() - poll.getTime() < pollFreshMs).length,
    lastPollAt: last?.toISOString() ?? null,
    backlog,
  };
}
