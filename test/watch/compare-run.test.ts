import { describe, expect, it } from 'vitest';
import type { Plan } from '../../graph/plan.ts';
import { defaultRetry, defaultTimeoutMs } from '../../graph/rules.ts';
import type { AttemptFacts } from '../../store/store.ts';
import { compareRun } from '../../watch/compare-run.ts';
import type { JobRowFacts } from '../../watch/compared.ts';
import type { HistoryAttempt, HistoryJob, RunHistory } from '../../watch/run-history.ts';
import type { ExecutionView } from '../../watch/temporal-view.ts';
import { cancelTermination } from '../../workflows/contract.ts';

/** Two jobs, one below the other. */
const plan: Plan = {
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

function told(eventId: number, more: Partial<HistoryJob> = {}): HistoryJob {
  return {
    ...{ end: { state: 'SUCCESS', reason: null }, error: null, hash: 'h', bytes: 1, eventId },
    ...{ recordedIn: 'r', isSettled: true },
    ...more,
  };
}

function historyOf(more: Partial<RunHistory>): RunHistory {
  return {
    ...{ jobs: new Map(), attempts: new Map(), scheduled: new Map(), end: null },
    ...{
      cancelRequested: false,
      cancelledJobs: new Set<string>(),
      asked: new Map(),
      terminateReason: null,
      terminatedBy: null,
      timerFired: false,
      continuedFrom: null,
      continuedAtEventId: 0,
      resetAtEventId: 0,
      events: 9,
    },
    ...more,
  };
}

function rowOf(more: Partial<JobRowFacts> = {}, attempt: Partial<AttemptFacts> = {}): JobRowFacts {
  const attempts = {
    runId: 'r',
    attempts: 1,
    state: 'SUCCESS',
    reason: null,
    errors: [null],
    ...attempt,
  } as const;
  return {
    ...{ state: 'SUCCESS', reason: null, error: null, outputHash: 'h' },
    attempts: new Map([['r', attempts]]),
    ...more,
  };
}

const attempt: HistoryAttempt = { number: 1, lastFailure: null, eventId: 6 };

function compare(
  jobs: readonly JobRowFacts[],
  history: RunHistory,
  status: ExecutionView['status'] = 'COMPLETED',
) {
  const rows = new Map(jobs.map((row, at) => [plan.keys[at] ?? '', row]));
  return compareRun({ run: null, jobs: rows }, plan, { runId: 'r', status, pending: new Map() }, history);
}

const done = historyOf({
  end: { state: 'SUCCESS', reason: null },
  scheduled: new Map([
    ['a', 5],
    ['b', 10],
  ]),
  attempts: new Map([
    ['a', attempt],
    ['b', attempt],
  ]),
  jobs: new Map([
    ['a', told(7)],
    ['b', told(12)],
  ]),
});

describe('rows and history', () => {
  it('are equal where all is told and recorded', () => {
    expect(compare([rowOf(), rowOf()], done)).toEqual({ differences: [], explained: [] });
  });

  it('differ in order where a job was scheduled before the end of one above it', () => {
    const scheduled = new Map([
      ['a', 5],
      ['b', 6],
    ]);
    expect(compare([rowOf(), rowOf()], { ...done, scheduled }).differences).toEqual([
      { job: 'b', fact: 'order', row: null, history: 'scheduled before the end of a' },
    ]);
  });

  it('differ where a settled end is not what the rules of the graph say', () => {
    const failed = told(7, { end: { state: 'FAILED', reason: 'error' }, hash: null });
    const history = historyOf({
      end: { state: 'FAILED', reason: 'job_failed' },
      scheduled: new Map([['a', 5]]),
      jobs: new Map([
        ['a', failed],
        ['b', told(9, { end: { state: 'SUCCESS', reason: 'skipped' } })],
      ]),
    });
    const rows = [rowOf({ state: 'FAILED', reason: 'error' }), rowOf({ reason: 'skipped' })];
    expect(compare(rows, history, 'FAILED').differences).toEqual([
      { job: 'b', fact: 'state', row: 'SUCCESS', history: 'FAILED' },
    ]);
  });

  it('are explained where a later attempt handed back what an earlier one had recorded', () => {
    const attempts = new Map([
      ['a', { ...attempt, number: 2 }],
      ['b', attempt],
    ]);
    const { differences, explained } = compare([rowOf(), rowOf()], { ...done, attempts });
    expect([differences, explained]).toMatchObject([
      [],
      [{ job: 'a', fact: 'attempts', row: '1', history: '2' }],
    ]);
  });

  it('are not compared in the error of an attempt of which Temporal did not hear', () => {
    const lastFailure = { type: 'Timeout', message: 'activity Heartbeat timeout', isThrown: false };
    const attempts = new Map([
      ['a', { ...attempt, number: 2, lastFailure }],
      ['b', attempt],
    ]);
    const row = rowOf({}, { attempts: 2, errors: [null, 'what it threw'] });
    expect(compare([row, rowOf()], { ...done, attempts })).toEqual({ differences: [], explained: [] });
  });

  it('may wait for a settle that is under way, and differ once it is in the history', () => {
    const timedOut = { end: { state: 'FAILED', reason: 'timed_out' }, hash: null, recordedIn: null } as const;
    const open = (isSettled: boolean) =>
      historyOf({
        scheduled: new Map([['a', 5]]),
        jobs: new Map([['a', told(7, { ...timedOut, isSettled })]]),
      });
    const working = { state: 'RUNNING', reason: null, outputHash: null } as const;
    const rows = [rowOf(working, { state: 'RUNNING' }), rowOf({ state: 'PENDING', reason: 'upstream' })];
    expect(compare(rows, open(false), 'RUNNING')).toEqual({ differences: [], explained: [] });
    expect(compare(rows, open(true), 'RUNNING').differences).toMatchObject([
      { job: 'a', fact: 'state', row: 'RUNNING', history: 'FAILED' },
    ]);
    // A SUCCESS that was recorded wins over the time-out.
    const won = compare([rowOf(), rowOf({ state: 'PENDING', reason: 'queued' })], open(false), 'RUNNING');
    expect(won).toMatchObject({
      differences: [],
      explained: [{ job: 'a', row: 'SUCCESS', history: 'FAILED' }],
    });
  });
});

describe('a run that was terminated before any job began', () => {
  it.each([
    ['by somebody', 'terminated'],
    [cancelTermination('key:x'), 'cancelled'],
  ] as const)('%s is expected as FAILED/%s', (terminateReason, reason) => {
    const ended = { state: 'FAILED', reason } as const;
    const row = { ...rowOf(ended), outputHash: null, attempts: new Map() };
    const history = historyOf({ terminateReason });
    expect(compare([row, row], history, 'TERMINATED')).toEqual({ differences: [], explained: [] });
    const other = { ...row, reason: reason === 'cancelled' ? 'terminated' : 'cancelled' };
    expect(compare([row, other], history, 'TERMINATED').differences).toEqual([
      { job: 'b', fact: 'reason', row: other.reason, history: reason },
    ]);
  });
});
