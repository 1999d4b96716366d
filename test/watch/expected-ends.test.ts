import { describe, expect, it } from 'vitest';
import type { Plan } from '../../graph/plan.ts';
import { defaultRetry } from '../../graph/rules.ts';
import type { JobEnd } from '../../graph/states.ts';
import { expectEnds } from '../../watch/expected-ends.ts';
import { readHistory } from '../../watch/read-history.ts';
import type { HistoryJob, RunHistory } from '../../watch/run-history.ts';

const success: JobEnd = { state: 'SUCCESS', reason: null };
const failure: JobEnd = { state: 'FAILED', reason: 'error' };
const cancelled: JobEnd = { state: 'FAILED', reason: 'cancelled' };
const upstreamFailed: JobEnd = { state: 'FAILED', reason: 'upstream_failed' };

const rules = { kind: 'noop', runIf: 'all_succeeded', timeoutMs: 1, retry: defaultRetry } as const;

/** `bad` and `good` at the top, one below each, one below that, and one that was ready and had to wait. */
const plan: Plan = {
  keys: ['bad', 'good', 'waits', 'below_bad', 'below_good', 'lowest'],
  parents: [[], [], [], [0], [1], [4]],
  rules: [{ ...rules, allowFailure: false }],
  ruleOf: [0, 0, 0, 0, 0, 0],
  passing: [],
};

/** Of jobs whose activities have ended. */
function historyOf(ends: Record<string, JobEnd>): RunHistory {
  const told = (end: JobEnd, index: number): HistoryJob => ({
    ...{ end, error: null, hash: null, bytes: 0, eventId: index + 50, recordedIn: 'r', isSettled: true },
  });
  return {
    ...readHistory([]),
    jobs: new Map(Object.entries(ends).map(([key, end], index) => [key, told(end, index)])),
    scheduled: new Map(Object.keys(ends).map((key, index) => [key, index + 5])),
  };
}

describe('the ends that a history makes expect', () => {
  it.each(['stop', 'cancel'] as const)(
    'of a run that is to %s: what had not begun is cancelled',
    (onFailure) => {
      const { planned, due } = expectEnds({ ...plan, onFailure }, historyOf({ bad: failure, good: success }));
      expect(Object.fromEntries(planned)).toEqual({
        waits: cancelled,
        below_bad: upstreamFailed,
        below_good: cancelled,
        lowest: upstreamFailed,
      });
      expect(due).toEqual([{ state: 'FAILED', reason: 'job_failed' }]);
    },
  );

  it('count what had begun before the failure by its own end, whatever ended first', () => {
    const ends = { bad: failure, good: success, below_good: success };
    const { planned } = expectEnds({ ...plan, onFailure: 'stop' }, historyOf(ends));
    expect(Object.fromEntries(planned)).toEqual({
      waits: cancelled,
      below_bad: upstreamFailed,
      lowest: cancelled,
    });
  });

  it('leave open what has not ended, where nothing stops the run', () => {
    const ends = { bad: failure, good: success };
    const { planned, due } = expectEnds(plan, historyOf(ends));
    expect(Object.fromEntries(planned)).toEqual({ below_bad: upstreamFailed });
    expect(due).toEqual([]);
    const stopped = expectEnds({ ...plan, onFailure: 'stop' }, historyOf({ good: success }));
    expect(stopped.planned.size).toBe(0);
  });

  it('may be those of a time-out of the run, once its timer has fired and all that had begun has ended', () => {
    const history = { ...historyOf({ good: success }), timerFired: true };
    expect(expectEnds(plan, history).due).toEqual([{ state: 'FAILED', reason: 'timed_out' }]);
    const scheduled = new Map([['bad', 5], ...history.scheduled]);
    expect(expectEnds(plan, { ...history, scheduled }).due).toEqual([]);
  });
});
