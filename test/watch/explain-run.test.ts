// What a real server shows only for moments, or after a minute.

import { describe, expect, it } from 'vitest';
import { limits } from '../../graph/limits.ts';
import { explainRun } from '../../watch/explain-run.ts';
import { ago, explain, jobOf, now, pendingOf, plan, runOf } from './explain-facts.ts';

const running = jobOf('a', { state: 'RUNNING', reason: null, attempts: 1 });

describe('a job whose activity', () => {
  it('waits on a queue that nobody has polled for a minute has no worker', () => {
    const lastFailure = { type: 'Error', message: 'boom\nat line 7', isThrown: true };
    const { run, jobs } = explain({
      pending: [pendingOf('a', { attempt: 2, lastFailure })],
      polls: { activity: 66_000 },
    });
    expect(run).toMatchObject({ reason: 'no_worker', message: expect.stringContaining('"q"') });
    expect(jobs[0]).toMatchObject({
      reason: 'no_worker',
      message: 'no worker polls the task queue "q"; the last one: boom',
      lastError: { type: 'Error' },
    });
  });

  it('waits on a queue that is polled waits for a free worker', () => {
    const { run, jobs } = explain({ pending: [pendingOf('a', {})], polls: { activity: 59_000 } });
    expect([run.reason, jobs[0]?.reason]).toEqual([null, 'queued']);
  });

  it('waits longer than a poll takes has no worker, unless one is busy with another', () => {
    const waits = pendingOf('b', { scheduledAt: ago(9_000) });
    const beats = pendingOf('a', { state: 'running', lastHeartbeatAt: ago(800) });
    const silent = pendingOf('a', { state: 'running', lastHeartbeatAt: ago(8_000) });
    const polls = { activity: 10_000 };
    const run = runOf([running, jobOf('b')]);
    expect(explain({ run, pending: [waits], polls }).run.reason).toBe('no_worker');
    expect(explain({ run, pending: [silent, waits], polls }).run.reason).toBe('no_worker');
    expect(explain({ run, pending: [beats, waits], polls }).run.reason).toBe(null);
    expect(explain({ run, pending: [waits], polls: { activity: 8_000 } }).run.reason).toBe(null);
  });

  it('is ready waits for a new execution once the history is full', () => {
    const { jobs } = explain({
      run: runOf([jobOf('a')]),
      execution: { historyEvents: limits.historyEvents },
    });
    expect(jobs[0]).toMatchObject({
      reason: 'window',
      message: expect.stringContaining('the history is full'),
    });
  });

  it('was lost with its worker waits for the next attempt, though its row says RUNNING', () => {
    const lastFailure = { type: 'Timeout', message: 'activity Heartbeat timeout', isThrown: false };
    const nextAttemptAt = ago(-4_000);
    const { jobs } = explain({
      run: runOf([running]),
      pending: [pendingOf('a', { attempt: 2, lastFailure, nextAttemptAt, worker: '7@host' })],
    });
    expect(jobs[0]).toMatchObject({
      ...{ state: 'RUNNING', reason: 'retry', nextAttemptAt: nextAttemptAt.toISOString(), worker: '7@host' },
      message: 'attempt 2 of 3 comes next; the last one: activity Heartbeat timeout',
    });
  });

  it.each([
    ['stopping', 'stopping', 'was told to stop; runs on 7@host until it does'],
    ['pausing', 'running', 'attempt 1 of 3 runs on 7@host; pauses at its next heartbeat, by me'],
  ] as const)('is %s says so', (state, reason, message) => {
    const pause = { by: 'me', reason: '', at: now };
    const { jobs } = explain({
      run: runOf([running]),
      pending: [pendingOf('a', { state, pause, worker: '7@host', startedAt: ago(5_000) })],
    });
    expect(jobs[0]).toMatchObject({ reason, message, since: ago(5_000).toISOString() });
  });

  it('has ended waits for its end to be written, which nobody does when the system queue has no worker', () => {
    const settle = pendingOf('graphrun:settle/1', { taskQueue: 'q-system' });
    const goes = explain({ run: runOf([running]), pending: [settle] });
    expect([goes.run.reason, goes.jobs[0]?.reason]).toEqual([null, 'settling']);
    const stands = explain({ run: runOf([running]), pending: [settle], polls: { system: 66_000 } });
    expect(stands.run).toMatchObject({ reason: 'no_worker', message: expect.stringContaining('"q-system"') });
  });
});

describe('a run', () => {
  it('whose workflow task waits has no worker, or waits for one', () => {
    const execution = { workflowTask: { attempts: 1, isTaken: false, scheduledAt: ago(9_000) } };
    expect(explain({ execution, polls: { workflow: 66_000 } }).run.reason).toBe('no_worker');
    expect(explain({ execution }).run).toMatchObject({ reason: 'queued' });
    // A worker that polled before the task came, and lives, would have taken it.
    expect(explain({ execution, polls: { workflow: 10_000 } }).run.reason).toBe('no_worker');
  });

  it('whose first workflow task was taken is about to begin', () => {
    const run = runOf([jobOf('a')], { state: 'PENDING', reason: 'queued', tasks: [] });
    const execution = { workflowTask: { attempts: 1, isTaken: true, scheduledAt: ago(100) } };
    expect(explain({ run, execution }).run).toEqual(
      expect.objectContaining({ reason: 'queued', message: 'A worker has taken its workflow on just now.' }),
    );
  });

  it('whose workflow task fails is stuck, and tells why on one line', () => {
    const execution = { workflowTask: { attempts: 7, isTaken: false, scheduledAt: ago(9_000) } };
    const taskFailure = { type: 'Error', message: 'Nondeterminism\nat line 1' };
    const { run } = explain({ execution, taskFailure, polls: { workflow: 66_000 } });
    expect(run).toMatchObject({
      reason: 'stuck',
      message: expect.stringContaining(': Nondeterminism. Deploy'),
    });
    expect(run.message).toContain('attempt 7 by now');
  });

  it('that was stuck tells so while Temporal is away', () => {
    const error = { type: 'Error', message: 'Nondeterminism\nat line 1' };
    const stuck = runOf([running], { reason: 'stuck', error });
    const { run } = explainRun({ run: stuck, plan, only: null, temporal: null, now });
    expect(run).toMatchObject({ reason: 'stuck', message: expect.stringMatching(/failed: Nondeterminism$/) });
  });

  it.each([
    ['deleted', null, 'it was deleted'],
    ['reset', { resetRunId: 'other' }, 'was reset'],
    ['ended', { status: 'TIMED_OUT' }, 'as TIMED_OUT'],
  ] as const)('that was %s in Temporal is about to be followed by its rows', (_how, execution, message) => {
    expect(explain({ execution }).run).toMatchObject({
      reason: 'catching_up',
      message: expect.stringContaining(message),
    });
  });

  it.each(['slot', 'gate'] as const)('that waits for its %s says so', (reason) => {
    const run = runOf([jobOf('a')], { state: 'PENDING', reason, tasks: [] });
    for (const execution of [{}, null]) {
      const explanation = explain({ run, execution });
      expect(explanation.run).toMatchObject({ reason, message: expect.stringContaining('It waits for') });
    }
  });

  it('whose jobs have all ended is about to end', () => {
    const run = runOf([jobOf('a', { state: 'SUCCESS', reason: null })]);
    expect(explain({ run }).run.message).toContain('All its jobs have ended');
  });

  it('of which one job is asked about is judged by all of them', () => {
    const { run, waiting, jobs } = explain({
      pending: [pendingOf('a', {})],
      polls: { activity: 66_000 },
      only: 'b',
    });
    expect([run.reason, waiting, jobs.map(({ job }) => job)]).toEqual([
      'no_worker',
      [{ reason: 'upstream', jobs: 1 }],
      ['b'],
    ]);
  });
});
