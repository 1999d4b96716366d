import { describe, expect, it } from 'vitest';
import { ago, explain, jobOf, now, pendingOf, runOf } from './explain-facts.ts';

describe('a job that somebody has paused in Temporal', () => {
  const paused = pendingOf('a', { state: 'paused', pause: { by: 'me', reason: 'hold', at: now } });
  const a = jobOf('a', { reason: 'retry', attempts: 1 });
  const needs =
    'needs somebody: the job "a" is paused in Temporal by me (hold); to go on: temporal activity unpause ' +
    '--workflow-id w --activity-id a';

  it('holds up a run of which nothing else goes on', () => {
    const run = runOf([a, jobOf('b', { reason: 'upstream' })]);
    expect(explain({ run, pending: [paused] }).run).toMatchObject({
      reason: 'paused',
      message: `It ${needs}`,
    });
  });

  it('is told of beside what goes on', () => {
    const run = runOf([a, jobOf('b', { state: 'RUNNING' })]);
    const pending = [paused, pendingOf('b', { state: 'running' })];
    expect(explain({ run, pending }).run).toMatchObject({
      reason: null,
      message: `It goes on: 1 paused, 1 running. It also ${needs}`,
    });
  });

  it('is counted beside others that are', () => {
    const run = runOf([a, jobOf('b', { reason: 'retry', attempts: 1 })]);
    const pending = [paused, pendingOf('b', { state: 'paused' })];
    expect(explain({ run, pending }).run.message).toBe(`It ${needs}, and 1 more are paused`);
  });
});

describe('a run that has not begun', () => {
  const run = { state: 'PENDING', reason: 'slot', tasks: [] } as const;
  const pause = { at: now.toISOString(), by: 'key:x', note: 'not yet' };

  it('has jobs that wait for it', () => {
    const { jobs } = explain({ run: runOf([jobOf('a')], run), execution: null });
    expect(jobs[0]).toMatchObject({ reason: 'queued', message: 'ready; its run has not begun' });
  });

  it('and is paused as well tells who paused it, why, and how it goes on', () => {
    const { message } = explain({ run: runOf([jobOf('a')], { ...run, pause }), execution: null }).run;
    const paused =
      'It is paused as well, since 2026-11-24T08:00:00.000Z by key:x (not yet): no job of it begins';
    expect(message).toMatch(/^It waits for another run of the project to end\. /);
    expect(message).toContain(paused);
    expect(message).toMatch(/ until: graphrun unpause \S+$/);
  });
});

describe('an attempt', () => {
  const runs = { state: 'running', attempt: 2, startedAt: ago(1_100) } as const;
  const heartbeatOf = (lastHeartbeatAt: Date) =>
    explain({
      run: runOf([jobOf('a', { state: 'RUNNING', reason: null, attempts: 2 })]),
      pending: [pendingOf('a', { ...runs, lastHeartbeatAt })],
    }).jobs[0]?.lastHeartbeatAt;

  it('has no heartbeat of the one before it', () => {
    expect(heartbeatOf(ago(12_000))).toBeNull();
    expect(heartbeatOf(ago(900))).toBe(ago(900).toISOString());
  });

  it('is told with its epoch where the job had others before', () => {
    const a = jobOf('a', { reason: 'retry', attempts: 4, epoch: 2 });
    const { jobs } = explain({
      run: runOf([a]),
      pending: [pendingOf('a', { attempt: 2, nextAttemptAt: ago(-4_000) })],
    });
    expect(jobs[0]).toMatchObject({ attempt: 4, message: 'attempt 2 of 3 in epoch 2 comes next' });
  });
});

it('a job that waits for a pool with free slots is told for whom they are kept', () => {
  const wait = { pool: 'crm', asked: 1, slots: 3, free: 2, ahead: 2, holders: [], holderCount: 0 };
  const told = (more: Partial<typeof wait>) =>
    explain({ run: runOf([jobOf('a', { reason: 'slot', slotWaits: [{ ...wait, ...more }] })]) }).jobs[0]
      ?.message;
  expect(told({})).toBe(
    'waits for slots: 1 of pool "crm": 2 jobs before it; 2 of 3 free, kept for those; held by none',
  );
  expect(told({ asked: 3, ahead: 0 })).toBe(
    'waits for slots: 3 of pool "crm": it is the next; 2 of 3 free; held by none',
  );
});
