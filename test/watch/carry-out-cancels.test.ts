import proto from '@temporalio/proto';
import { describe, expect, it } from 'vitest';
import type { CancelToSend, OpenCancel } from '../../store/cancel-runs.ts';
import { findCancelWait } from '../../watch/cancel-wait.ts';
import { carryOutCancels } from '../../watch/carry-out-cancels.ts';
import type { ExecutionView, WorkflowTask } from '../../watch/temporal-view.ts';
import { cancelGraceMs } from '../../workflows/contract.ts';

const now = new Date('2026-01-01T00:01:00.000Z');
const ago = (ms: number) => new Date(now.getTime() - ms);
const inTime = ago(cancelGraceMs);
const tooLong = ago(cancelGraceMs + 1);

const cancel: OpenCancel = {
  id: '0198c5a2-7b1e-7000-8000-000000000001',
  workflowId: 'w',
  firstExecutionRunId: 'r',
  runId: 'r',
  cancelRequest: { at: now.toISOString(), by: 'key:x', note: null },
};

const requested: ExecutionView = {
  ...{ workflowId: 'w', runId: 'r', firstExecutionRunId: 'r', type: 'graphRun', status: 'RUNNING' },
  ...{ resetRunId: null, cancelRequested: true, taskQueue: 'q', pending: new Map(), workflowTask: null },
  ...{ historyEvents: 1, historyBytes: 1 },
};

function task(scheduledAt: Date, isTaken = false): WorkflowTask {
  return { attempts: 1, isTaken, scheduledAt };
}

/** What Temporal is told of one open cancel. */
async function carryOut(view: ExecutionView | null, waitsSince: Date | null, given = cancel) {
  const sent: string[] = [];
  const errors: unknown[] = [];
  await carryOutCancels({
    store: {
      cancels: {
        graphRun: () => Promise.reject(new Error('not asked')),
        jobRun: () => Promise.reject(new Error('not asked')),
        open: async (subject) => (subject === 'graph_run' ? [given] : []),
        untoldJobs: async () => [],
        noteJobTold: async () => {},
      },
    },
    canceller: {
      requestCancel: async ({ workflowId, firstExecutionRunId }: CancelToSend) => {
        sent.push(`cancel ${workflowId} of ${firstExecutionRunId}`);
        return true;
      },
      terminateCancelled: async ({ runId }, by) => {
        sent.push(`terminate ${runId} for ${by}`);
        return true;
      },
    },
    temporal: {
      describe: async () => view,
      describeNewest: async () => view && { ...view, firstExecutionRunId: 'newest' },
      cancelWaitsSince: async () => waitsSince,
    },
    now,
    signal: new AbortController().signal,
    onError: (error) => errors.push(error),
  });
  expect(errors).toEqual([]);
  return sent;
}

describe('a cancel is told to Temporal', () => {
  it.each<[string, Partial<ExecutionView> | null, string[]]>([
    ['until the execution has heard', { cancelRequested: false }, ['cancel w of r']],
    ['not again afterwards', {}, []],
    ['not while there is no execution', null, []],
    ['not once it has ended', { cancelRequested: false, status: 'COMPLETED' }, []],
    ['not to what a reset made of it', { cancelRequested: false, resetRunId: 'other' }, []],
  ])('%s', async (_, more, sent) => {
    expect(await carryOut(more && { ...requested, ...more }, null)).toEqual(sent);
  });

  it('of the newest execution, where the rows know of none', async () => {
    const unknown = { ...cancel, runId: null, firstExecutionRunId: null };
    const view = { ...requested, cancelRequested: false };
    expect(await carryOut(view, null, unknown)).toEqual(['cancel w of newest']);
  });
});

describe('an execution that was told of its cancel', () => {
  const terminated = ['terminate r for key:x'];
  it.each<[string, WorkflowTask | null, Date | null, string[]]>([
    ['and cleans up is left alone, however long it takes', null, null, []],
    ['is left alone while its grace lasts', task(inTime), inTime, []],
    ['is left alone though it waited before', task(tooLong), inTime, []],
    ['is terminated when nobody has taken it', task(inTime), tooLong, terminated],
    ['is terminated when workers take it and do not answer', task(inTime, true), tooLong, terminated],
    ['is terminated when its workers are gone since', task(tooLong), null, terminated],
    ['is left alone while a worker has it', task(tooLong, true), null, []],
  ])('%s', async (_, workflowTask, waitsSince, sent) => {
    expect(await carryOut({ ...requested, workflowTask }, waitsSince)).toEqual(sent);
  });
});

describe('the history tells, newest first,', () => {
  const eventTime = proto.google.protobuf.Timestamp.fromObject({ seconds: 1_000 });
  const completed = { workflowTaskCompletedEventAttributes: {} };
  const asked = { eventTime, workflowExecutionCancelRequestedEventAttributes: {} };
  const other = { workflowTaskScheduledEventAttributes: {} };
  it.each([
    ['that the cancel was taken', [other, completed, asked], null],
    ['since when it waits', [other, asked, completed], new Date(1_000_000)],
    ['nothing of it', [other, other], undefined],
  ])('%s', (_, events, expected) => {
    expect(findCancelWait(events)).toEqual(expected);
  });
});
