// Attempts whose worker is gone, while Temporal waits before the next one.
import { afterAll, describe, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { noteLostAttempts } from '../../watch/note-lost-attempts.ts';
import type { PendingActivity, PendingState } from '../../watch/pending-activities.ts';
import type { ExecutionView } from '../../watch/temporal-view.ts';
import { useRuns } from '../store/runs.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const openRun = useRuns(store);
await pushNoops(store, 'p', { a: [] });

type Run = Awaited<ReturnType<typeof openRun>>;

function pending(state: PendingState): PendingActivity {
  const lastFailure = { type: 'Timeout', message: 'activity Heartbeat timeout', isThrown: false };
  const times = { scheduledAt: null, startedAt: null, lastHeartbeatAt: null, nextAttemptAt: null };
  return {
    ...{ activityId: 'a', state, attempt: 2, maximumAttempts: 3, taskQueue: null, worker: null, pause: null },
    ...times,
    lastFailure,
  };
}

function viewOf({ request: { identity } }: Run, state: PendingState): ExecutionView {
  return {
    ...identity,
    ...{
      type: 'graphRun',
      status: 'RUNNING',
      resetRunId: null,
      cancelRequested: false,
      taskQueue: 'graphrun',
      workflowTask: null,
      historyEvents: 3,
      historyBytes: 300,
    },
    pending: new Map([['a', pending(state)]]),
  };
}

/** What the watch does when it sees the first state, and then the second. */
async function look(run: Run, first: PendingState, then: PendingState): Promise<void> {
  const temporal = { describe: async () => viewOf(run, then) };
  await noteLostAttempts({ store, temporal, actor: 'watch' }, viewOf(run, first));
}

function attempt(run: Run) {
  const subject = { jobRunId: run.job('a'), project: 'p', job: 'a', graphRunId: run.id };
  return { subject, fence: run.fence, worker: 'w1', at: new Date() };
}

async function startedRun(): Promise<Run> {
  const run = await openRun();
  await store.recorder.start({ ...attempt(run), isFirst: true, needsToken: false, isAwaited: true });
  return run;
}

describe('a job whose attempt was lost', () => {
  it('waits for its next attempt', async () => {
    const run = await startedRun();
    await look(run, 'waiting', 'waiting');
    expect(await store.jobRuns.get(run.job('a'))).toMatchObject({
      ...{ state: 'PENDING', reason: 'retry', attempts: 1 },
      error: { message: 'activity Heartbeat timeout' },
    });
    expect(await store.jobRuns.attempts(run.job('a'))).toMatchObject([{ state: 'FAILED', reason: 'lost' }]);
  });

  it('runs on where its next attempt has begun meanwhile', async () => {
    const run = await startedRun();
    await look(run, 'waiting', 'running');
    expect(await store.jobRuns.get(run.job('a'))).toMatchObject({ state: 'RUNNING', attempts: 1 });
  });

  it('has succeeded when the attempt tells so after all', async () => {
    const run = await startedRun();
    await look(run, 'waiting', 'waiting');
    const end = { kind: 'success', output: null } as const;
    expect(await store.recorder.end({ ...attempt(run), end })).toEqual({ verdict: 'recorded' });
    expect(await store.jobRuns.get(run.job('a'))).toMatchObject({ state: 'SUCCESS', attempts: 1 });
    expect(await store.jobRuns.attempts(run.job('a'))).toMatchObject([{ state: 'SUCCESS', reason: null }]);
  });

  it('stays as it is once it has ended', async () => {
    const run = await startedRun();
    await store.recorder.end({ ...attempt(run), end: { kind: 'success', output: null } });
    await look(run, 'waiting', 'waiting');
    expect(await store.jobRuns.get(run.job('a'))).toMatchObject({ state: 'SUCCESS' });
  });
});
