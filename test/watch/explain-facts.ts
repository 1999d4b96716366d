// A run, its jobs and what Temporal has of them, as `explain` is given them.
import type { Plan } from '../../graph/plan.ts';
import { defaultRetry, defaultTimeoutMs } from '../../graph/rules.ts';
import type { JobFacts, RunFacts } from '../../store/store.ts';
import { type ExplainFacts, explainRun } from '../../watch/explain-run.ts';
import type { PendingActivity } from '../../watch/pending-activities.ts';
import type { ExecutionView } from '../../watch/temporal-view.ts';

export const now = new Date('2026-11-24T08:00:00.000Z');
export const ago = (ms: number) => new Date(now.getTime() - ms);
export const id = '0198c5a2-0000-7000-8000-000000000001';

export const plan: Plan = {
  keys: ['a', 'b'],
  parents: [[], [0]],
  rules: [
    {
      kind: 'noop',
      runIf: 'all_succeeded',
      allowFailure: false,
      timeoutMs: defaultTimeoutMs,
      retry: defaultRetry,
    },
  ],
  ruleOf: [0, 0],
  passing: [],
};

export function jobOf(job: string, more: Partial<JobFacts> = {}): JobFacts {
  return {
    ...{
      id,
      project: 'p',
      job,
      kind: 'noop',
      graphRunId: id,
      state: 'PENDING',
      reason: 'queued',
      error: null,
    },
    ...{
      epoch: 1,
      reused: false,
      version: 1,
      attempts: 0,
      createdAt: now.toISOString(),
      createdBy: 'test',
      startedAt: null,
    },
    ...{ completedAt: null, outputHash: null, cancelRequest: null, executions: [] },
    ...more,
  };
}

export function runOf(jobs: readonly JobFacts[], more: Partial<RunFacts> = {}): RunFacts {
  const task = { workflowId: 'w', runId: 'r', epoch: 1, openedAt: now.toISOString(), closedAt: null };
  return {
    ...{
      type: 'graph_run',
      id,
      project: 'p',
      state: 'RUNNING',
      reason: null,
      epoch: 1,
      error: null,
      workflowId: 'w',
    },
    ...{
      createdAt: now.toISOString(),
      cancelRequest: null,
      pause: null,
      pinned: { projectId: id, version: 1 },
      tasks: [task],
      jobs,
    },
    ...more,
  };
}

export function pendingOf(activityId: string, more: Partial<PendingActivity>): [string, PendingActivity] {
  const pending: PendingActivity = {
    ...{ activityId, state: 'waiting', attempt: 1, maximumAttempts: 3, taskQueue: 'q', scheduledAt: null },
    ...{
      startedAt: null,
      lastHeartbeatAt: null,
      nextAttemptAt: null,
      lastFailure: null,
      worker: null,
      pause: null,
    },
    ...more,
  };
  return [activityId, pending];
}

interface Given {
  readonly run?: RunFacts;
  readonly execution?: Partial<ExecutionView> | null;
  readonly pending?: readonly [string, PendingActivity][];
  readonly taskFailure?: { type: string; message: string } | null;
  /** When the last poll of each queue was, in milliseconds before now. */
  readonly polls?: Partial<Record<'workflow' | 'activity' | 'system', number>>;
  readonly only?: string;
}

export function explain({ execution = {}, pending = [], taskFailure = null, polls = {}, ...given }: Given) {
  const view: ExecutionView = {
    ...{
      workflowId: 'w',
      runId: 'r',
      type: 'graphRun',
      status: 'RUNNING',
      firstExecutionRunId: 'r',
      resetRunId: null,
      historyEvents: 1,
      historyBytes: 1,
      cancelRequested: false,
    },
    ...{ taskQueue: 'q', pending: new Map(pending), workflowTask: null },
    ...execution,
  };
  const queue = (taskQueue: string, kind: 'workflow' | 'activity', poll = 1_000) => {
    return { taskQueue, kind, polls: [ago(poll)], backlog: 0 };
  };
  const facts: ExplainFacts = {
    ...{ run: given.run ?? runOf([jobOf('a'), jobOf('b', { reason: 'upstream' })]), plan, now },
    only: given.only ?? null,
    temporal: {
      execution: execution === null ? null : view,
      taskFailure,
      queues: [
        queue('q', 'workflow', polls.workflow),
        queue('q', 'activity', polls.activity),
        queue('q-system', 'activity', polls.system),
      ],
    },
  };
  return explainRun(facts);
}
