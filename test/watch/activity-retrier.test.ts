import { expect, it } from 'vitest';
import { nextStep, pauseOfOthers } from '../../watch/activity-retrier.ts';
import type { PendingActivity } from '../../watch/pending-activities.ts';

const now = Date.parse('2026-01-01T00:00:00.000Z');
const waiting: PendingActivity = {
  ...{ activityId: 'a', state: 'waiting', attempt: 2, maximumAttempts: 3, taskQueue: 'q', scheduledAt: null },
  ...{ startedAt: null, lastHeartbeatAt: null, lastFailure: null, worker: null, pause: null },
  nextAttemptAt: new Date(now + 60_000),
};
const pausedFor = (reason: string) => ({ state: 'paused', pause: { by: 'x', reason, at: null } }) as const;

it.each<[string, Partial<PendingActivity> | undefined, ReturnType<typeof nextStep>]>([
  ['that waits is paused, and goes on at once after that', {}, 'pause'],
  ['that begins in a moment is left to it', { nextAttemptAt: new Date(now + 1_500) }, null],
  ['that waits for a worker is left to it', { nextAttemptAt: null }, null],
  ['that runs is left alone', { state: 'running' }, null],
  ['that has ended is left alone', undefined, null],
  ['that was left paused by one of us goes on', pausedFor('graphrun: retry now'), 'unpause'],
  ['that somebody else has paused stays so', pausedFor('I want it so'), null],
])('an activity %s', (_what, more, step) => {
  expect(nextStep(more && { ...waiting, ...more }, now)).toBe(step);
});

it('is held by a pause of others alone, and only once that has begun', () => {
  const held = { ...waiting, ...pausedFor('I want it so') };
  expect(pauseOfOthers(held)).toEqual(held.pause);
  expect(pauseOfOthers({ ...waiting, ...pausedFor('graphrun: retry now') })).toBeNull();
  expect(pauseOfOthers({ ...held, state: 'pausing' })).toBeNull();
  expect(pauseOfOthers(undefined)).toBeNull();
});
