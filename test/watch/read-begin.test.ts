import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { beginOf } from '../../watch/read-begin.ts';

function startedWith(input: unknown) {
  const payload = defaultPayloadConverter.toPayload(input);
  return { workflowExecutionStartedEventAttributes: { input: { payloads: [payload] } } };
}

const input = { project: 'p' };
const failure = { message: 'Postgres was away' };

describe('the begin of a history', () => {
  it.each([
    ['nothing since', [], false],
    ['a workflow task that was completed', [{ workflowTaskCompletedEventAttributes: {} }], false],
    ['an opening that failed', [{ markerRecordedEventAttributes: { failure } }], false],
    ['an opening', [{ markerRecordedEventAttributes: {} }], true],
    [
      'an opening on the system queue',
      [{ markerRecordedEventAttributes: { failure } }, { activityTaskCompletedEventAttributes: {} }],
      true,
    ],
  ])('with %s tells its argument, and whether its run was opened', (_, since, isTaken) => {
    expect(beginOf([startedWith(input), ...since])).toEqual({ input, isTaken });
  });

  it('without an argument has none', () => {
    expect(beginOf([{ workflowExecutionStartedEventAttributes: {} }])).toEqual({
      input: undefined,
      isTaken: false,
    });
  });

  it('that cannot be read is left to its workers', () => {
    const payload = { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from('?') };
    const started = { workflowExecutionStartedEventAttributes: { input: { payloads: [payload] } } };
    expect(beginOf([started])).toBeNull();
    expect(beginOf([])).toBeNull();
  });
});
