import { defaultPayloadConverter } from '@temporalio/common';
import { expect, it } from 'vitest';
import { readHistory } from '../../watch/read-history.ts';

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
