import { readFileSync } from 'node:fs';
import { defaultPayloadConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { expect, it } from 'vitest';
import { readHistory } from '../../watch/read-history.ts';
import { askedBefore } from '../../watch/run-history.ts';
import { histories } from '../replay/histories.ts';

it('takes the end of a worker for no end of a job: it goes on with another activity', () => {
  const fence = { runId: 'run', scheduledAtMs: 1 };
  const failed = (mark: object) => ({
    applicationFailureInfo: { type: 'X', details: { payloads: [defaultPayloadConverter.toPayload(mark)] } },
  });
  const scheduled = (id: string) => ({ activityTaskScheduledEventAttributes: { activityId: id } });
  const history = readHistory([
    { eventId: 1, ...scheduled('stopped') },
    { eventId: 2, ...scheduled('failed') },
    ...[
      { fence, stopped: true },
      { fence, recorded: 'error' },
    ].map((mark, index) => ({
      eventId: index + 3,
      activityTaskFailedEventAttributes: { scheduledEventId: index + 1, failure: failed(mark) },
    })),
  ] as unknown as Parameters<typeof readHistory>[0]);
  expect([...history.jobs.keys()]).toEqual(['failed']);
  expect([...history.scheduled.keys()]).toEqual(['stopped', 'failed']);
});

it('takes a time-out for no end of a job whose settle says that none of its attempts has begun', () => {
  const payloads = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)] });
  const lost = { state: 'FAILED', reason: 'lost' };
  const jobs = ['begun', 'unbegun'].map((job) => ({ job, end: lost, error: null, ifBegun: true }));
  const settle = { activityId: 'graphrun:settle/1', input: payloads({ graphRunId: 'run', jobs }) };
  const events = [
    { activityTaskScheduledEventAttributes: { activityId: 'begun' } },
    { activityTaskScheduledEventAttributes: { activityId: 'unbegun' } },
    { activityTaskStartedEventAttributes: { scheduledEventId: 1, attempt: 1 } },
    { activityTaskTimedOutEventAttributes: { scheduledEventId: 1 } },
    { activityTaskStartedEventAttributes: { scheduledEventId: 2, attempt: 1 } },
    { activityTaskTimedOutEventAttributes: { scheduledEventId: 2 } },
    { activityTaskScheduledEventAttributes: settle },
    { activityTaskCompletedEventAttributes: { scheduledEventId: 7, result: payloads([lost, null]) } },
    { activityTaskScheduledEventAttributes: { activityId: 'unbegun' } },
    { activityTaskStartedEventAttributes: { scheduledEventId: 9, attempt: 1 } },
  ].map((event, index) => ({ eventId: index + 1, ...event }));
  const history = readHistory(events as unknown as Parameters<typeof readHistory>[0]);
  expect([...history.jobs]).toMatchObject([['begun', { end: lost, isSettled: true }]]);
  expect([...history.attempts].map(([job, { number }]) => [job, number])).toEqual([
    ['begun', 1],
    ['unbegun', 2],
  ]);
});

it('counts attempts over the activities of a job, and within one execution', () => {
  const scheduled = { activityTaskScheduledEventAttributes: { activityId: 'job' } };
  const started = (scheduledEventId: number, attempt: number) => ({
    activityTaskStartedEventAttributes: { scheduledEventId, attempt },
  });
  const mark = { fence: { runId: 'run', scheduledAtMs: 1 }, stopped: true };
  const payloads = [defaultPayloadConverter.toPayload(mark)];
  const failure = { applicationFailureInfo: { details: { payloads } } };
  const stopped = (scheduledEventId: number) => ({
    activityTaskFailedEventAttributes: { scheduledEventId, failure },
  });
  const reset = { workflowTaskFailedEventAttributes: { newRunId: 'other' } };
  const read = (...events: object[]) => {
    const numbered = events.map((event, index) => ({ eventId: index + 1, ...event }));
    return readHistory(numbered as unknown as Parameters<typeof readHistory>[0]);
  };
  const first = [scheduled, started(1, 2), stopped(1), scheduled];
  expect(read(...first).attempts.get('job')).toMatchObject({ number: 2 });
  expect(read(...first, started(4, 3)).attempts.get('job')).toMatchObject({ number: 5 });
  expect(read(...first, started(4, 3)).scheduled.get('job')).toBe(1);
  // What another execution had begun of a job that is open does not count in the one that a reset made.
  expect(read(...first, reset).attempts.size).toBe(0);
  expect(read(...first, reset, scheduled, started(6, 1)).attempts.get('job')).toMatchObject({ number: 1 });
});

it('takes a job for timed out whose next attempt would come after its total time', () => {
  const failure = { message: 'busy', applicationFailureInfo: { type: 'RetryLater' } };
  const history = readHistory([
    { eventId: 1, activityTaskScheduledEventAttributes: { activityId: 'job' } },
    { eventId: 2, activityTaskFailedEventAttributes: { scheduledEventId: 1, failure, retryState: 3 } },
  ] as unknown as Parameters<typeof readHistory>[0]);
  expect(history.jobs.get('job')).toMatchObject({
    end: { state: 'FAILED', reason: 'timed_out' },
    isSettled: false,
  });
});

it('tells what jobs were answered that asked for slots, up to some event', () => {
  const text = readFileSync(new URL('pooled-2026-11-25.json', histories), 'utf8');
  const history = readHistory(historyFromJSON(JSON.parse(text)).events ?? []);
  expect([...askedBefore(history, 8)]).toMatchObject([['first', { number: null }]]);
  expect([...askedBefore(history, 100)]).toMatchObject([
    ['first', { number: null }],
    ['third', { number: null }],
    ['second', { number: 2 }],
  ]);
});

it('tells the same of a request that went over the system queue', () => {
  const answer = { granted: [], waiting: [{ job: 'job', number: 7 }] };
  const result = { payloads: [defaultPayloadConverter.toPayload(answer)] };
  const events = [
    { eventId: 1, activityTaskScheduledEventAttributes: { activityId: 'graphrun:slots/1' } },
    { eventId: 2, activityTaskCompletedEventAttributes: { scheduledEventId: 1, result } },
  ];
  const history = readHistory(events as unknown as Parameters<typeof readHistory>[0]);
  expect([...askedBefore(history, 3)]).toMatchObject([['job', { number: 7 }]]);
  expect([...askedBefore(history, 2)]).toEqual([]);
});

it('takes what was found without slots for no attempt of its job', () => {
  const mark = { fence: { runId: 'run', scheduledAtMs: 1 }, stopped: true, needsSlots: true };
  const failure = {
    applicationFailureInfo: { details: { payloads: [defaultPayloadConverter.toPayload(mark)] } },
  };
  const history = readHistory([
    { eventId: 1, activityTaskScheduledEventAttributes: { activityId: 'job' } },
    { eventId: 2, activityTaskStartedEventAttributes: { scheduledEventId: 1, attempt: 1 } },
    { eventId: 3, activityTaskFailedEventAttributes: { scheduledEventId: 1, failure } },
  ] as unknown as Parameters<typeof readHistory>[0]);
  expect([history.jobs.size, history.attempts.size, history.scheduled.size]).toEqual([0, 0, 0]);
});
