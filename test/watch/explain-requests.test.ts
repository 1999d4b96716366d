// What was asked of a run, as `explain` tells it.
import { describe, expect, it } from 'vitest';
import type { JobFacts, RunFacts } from '../../store/store.ts';
import { explainRun } from '../../watch/explain-run.ts';
import type { PendingActivity } from '../../watch/pending-activities.ts';
import type { ExecutionView } from '../../watch/temporal-view.ts';

const now = new Date('2026-11-24T08:00:00.000Z');
const id = '0198c5a2-0000-7000-8000-000000000001';
const asked = { at: now.toISOString(), by: 'key:x', note: null };
const since = 'It is to be cancelled, since 2026-11-24T08:00:00.000Z by key:x.';

const jobs = Array.from({ length: 12 }, (_, number): JobFacts => {
  return {
    ...{ id, project: 'p', job: `j${number}`, kind: 'noop', graphRunId: id, state: 'RUNNING', reason: null },
    ...{
      error: null,
      epoch: 1,
      reused: false,
      version: 1,
      attempts: 1,
      createdAt: asked.at,
      createdBy: 'test',
    },
    ...{ startedAt: asked.at, completedAt: null, outputHash: null, cancelRequest: null, executions: [] },
  };
});

const run: RunFacts = {
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
  ...{ createdAt: asked.at, cancelRequest: asked, pause: null, pinned: null, jobs },
  tasks: [{ workflowId: 'w', runId: 'r', epoch: 1, openedAt: asked.at, closedAt: null }],
};

const view: ExecutionView = {
  ...{ workflowId: 'w', runId: 'r', type: 'graphRun', status: 'RUNNING', firstExecutionRunId: 'r' },
  ...{ resetRunId: null, historyEvents: 1, historyBytes: 1, cancelRequested: true, taskQueue: 'q' },
  ...{ pending: new Map(), workflowTask: null },
};

const waiting = { attempts: 1, isTaken: false, scheduledAt: now };
const stopping: PendingActivity = {
  ...{ activityId: '', state: 'stopping', attempt: 1, maximumAttempts: 3, taskQueue: 'q', scheduledAt: null },
  ...{
    startedAt: now,
    lastHeartbeatAt: now,
    nextAttemptAt: null,
    lastFailure: null,
    worker: null,
    pause: null,
  },
};
const pendingOf = (number: number) =>
  new Map(jobs.slice(0, number).map(({ job }) => [job, { ...stopping, activityId: job }]));

function explain(facts: Partial<RunFacts>, execution: Partial<ExecutionView> | null, taskFailure = false) {
  const temporal = {
    execution: execution && { ...view, ...execution },
    taskFailure: taskFailure ? { type: 'Error', message: 'boom' } : null,
    queues: [],
  };
  return explainRun({ run: { ...run, ...facts }, plan: null, only: null, temporal, now }).run;
}

describe('a run that is to be cancelled', () => {
  it.each([
    ['waits for Temporal to be told', { cancelRequested: false }, 'Temporal has not been told yet: API'],
    [
      'waits for a worker',
      { workflowTask: waiting },
      'Temporal has been told, and a worker is to take it; if none does within 15 s',
    ],
    ['waits for a job that cleans up', { pending: pendingOf(1) }, 'It waits for jobs that clean up: j0.'],
    ['waits for many', { pending: pendingOf(12) }, 'j8, j9 and 2 more.'],
    ['is about to end', {}, 'A worker has taken it; the end of the run is about to be written.'],
  ])('%s', (_what, execution, message) => {
    const told = explain({}, execution);
    expect(told.reason).toBe('cancelling');
    expect(told.message.startsWith(`${since} `)).toBe(true);
    expect(told.message).toContain(message);
  });

  it('says so, whatever else it waits for, and why', () => {
    const cancelRequest = { ...asked, note: 'the wrong file' };
    const message = /^It is to be cancelled, since \S+ by key:x \(the wrong file\)\. /;
    expect(explain({ cancelRequest, tasks: [] }, null)).toMatchObject({
      reason: 'not_started',
      message: expect.stringMatching(message),
    });
    const away = explainRun({ run: { ...run, cancelRequest }, plan: null, only: null, temporal: null, now });
    expect(away.run.message).toMatch(message);
    expect(away.run.message).toContain('does not answer');
  });

  it('says nothing of it once it has ended', () => {
    expect(explain({ state: 'FAILED', reason: 'cancelled' }, null).message).toMatch(/^It has ended;/);
  });

  it('is cancelled before it is paused', () => {
    expect(explain({ pause: asked, reason: 'paused' }, {}).reason).toBe('cancelling');
  });
});

describe('a run that is paused', () => {
  const paused = { cancelRequest: null, pause: { ...asked, note: 'too hot' }, reason: 'paused' } as const;

  it('says who paused it and why, and how it goes on', () => {
    expect(explain(paused, {})).toMatchObject({
      reason: 'paused',
      message: `It is paused, since ${asked.at} by key:x (too hot). What is under way ends, and nothing new begins; to go on: graphrun unpause ${id}`,
    });
  });

  it('says first that its workflow task fails, and that it has no worker before it has begun', () => {
    expect(explain(paused, { workflowTask: { ...waiting, attempts: 2 } }, true).reason).toBe('stuck');
    const unopened = explain({ ...paused, state: 'PENDING', reason: 'queued' }, { workflowTask: waiting });
    expect(unopened).toMatchObject({
      reason: 'queued',
      message: expect.stringContaining('waits for a worker'),
    });
  });
});

it('a job that is to be cancelled by itself says so, whatever else it waits for', () => {
  const cancelled = { ...(jobs[0] as JobFacts), cancelRequest: { ...asked, note: 'not this one' } };
  const facts = { ...run, cancelRequest: null, jobs: [cancelled] };
  const temporal = {
    execution: { ...view, cancelRequested: false, pending: pendingOf(1) },
    taskFailure: null,
    queues: [],
  };
  const { jobs: told } = explainRun({ run: facts, plan: null, only: null, temporal, now });
  expect(told[0]).toMatchObject({
    reason: 'stopping',
    message: `is to be cancelled, since ${asked.at} by key:x (not this one); was told to stop; runs until it does`,
  });
});
