import { describe, expect, it } from 'vitest';
import { explain, jobOf, now, pendingOf, runOf } from './explain-facts.ts';

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
