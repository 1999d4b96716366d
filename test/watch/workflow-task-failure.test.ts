import proto from '@temporalio/proto';
import { describe, expect, it } from 'vitest';
import { failureOf, type LastTask, readLastTask } from '../../watch/workflow-task-failure.ts';

const { WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;
const cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR;
const error = { type: 'NON_DETERMINISTIC_ERROR', message: 'no command for event 12' };
const failed: LastTask = { ended: 'failed', cause, error };
const harmless: LastTask = {
  ended: 'failed',
  cause: WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
  error,
};
const reset: LastTask = {
  ended: 'failed',
  cause: WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
  error,
};
const timedOut: LastTask = { ended: 'timed_out' };
const never = expect.objectContaining({ type: 'WorkflowTaskTimedOut' });

describe('a pending workflow task', () => {
  it.each([
    [1, null, null],
    [1, { ended: 'completed' }, null],
    [2, failed, error],
    [9, failed, error],
    // New events make it a first attempt again: it has not succeeded for that.
    [1, failed, error],
    [2, harmless, null],
    [1, reset, null],
    [2, timedOut, null],
    [3, timedOut, never],
    [3, { ended: 'completed' }, never],
    [3, null, never],
  ] as const)('at attempt %i, after %j, has the problem %j', (attempt, last, problem) => {
    expect(failureOf(attempt, last)).toEqual(problem);
  });
});

describe('the latest workflow task of a history', () => {
  it('is the newest that ended, whatever came in since', () => {
    const newestFirst = [
      { activityTaskCompletedEventAttributes: {} },
      { workflowTaskStartedEventAttributes: {} },
      {
        workflowTaskFailedEventAttributes: { cause, failure: { message: error.message, stackTrace: 'at x' } },
      },
      { workflowTaskCompletedEventAttributes: {} },
    ];
    expect(readLastTask(newestFirst)).toEqual({
      ended: 'failed',
      cause,
      error: { ...error, stack: 'at x' },
    });
    expect(readLastTask(newestFirst.slice(3))).toEqual({ ended: 'completed' });
    expect(readLastTask([{ workflowTaskTimedOutEventAttributes: {} }])).toEqual({
      ended: 'timed_out',
    });
    expect(readLastTask([{ workflowExecutionStartedEventAttributes: {} }])).toBeNull();
  });

  it('has the error that the code threw, cut to what is kept', () => {
    const failure = { message: 'x'.repeat(100_000), applicationFailureInfo: { type: 'TypeError' } };
    const last = readLastTask([{ workflowTaskFailedEventAttributes: { cause: 0, failure } }]);
    expect(last).toMatchObject({
      error: { type: 'TypeError', message: expect.stringMatching(/^x+$/) },
    });
    expect(last?.ended === 'failed' && last.error.message.length).toBeLessThan(10_000);
  });
});
