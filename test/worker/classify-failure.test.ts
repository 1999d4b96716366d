import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { CodedError, RetryLater } from '../../graph/errors.ts';
import { limits } from '../../graph/limits.ts';
import { defaultRetry } from '../../graph/rules.ts';
import {
  type CancelWords,
  classifyFailure,
  describeError,
} from '../../worker/interceptors/classify-failure.ts';

class QuotaError extends Error {}

const retry = {
  ...defaultRetry,
  nonRetryableErrors: ['TypeError', 'QuotaError', 'ECONNREFUSED', 'TEMPORAL_UNAVAILABLE', 'Throttled'],
};
const classify = (error: unknown, attempt = 1, cancel?: CancelWords) =>
  classifyFailure({ error, cancel, attempt, retry, at: new Date('2026-11-25T10:00:00Z') });
const words = (word: keyof CancelWords): CancelWords => ({
  cancelRequested: false,
  reset: false,
  paused: false,
  workerShutdown: false,
  timedOut: false,
  notFound: false,
  [word]: true,
});

/** Of code in the warehouse that took no notice of its time-out. */
const leftBehind = new CodedError('WAREHOUSE_UNAVAILABLE', 'x', {
  cause: new CodedError('JOB_TIMED_OUT', 'its time is out'),
});

describe('classifyFailure', () => {
  it.each([
    ['an error is tried again', new Error('x'), 1, { kind: 'retry', reason: 'error' }],
    ['the last attempt ends the job', new Error('x'), 3, { kind: 'failure', end: { reason: 'error' } }],
    [
      'the input of the user is final at once',
      new CodedError('SQL_INVALID', 'x'),
      1,
      { kind: 'failure', end: { reason: 'error' } },
    ],
    [
      'a type that the job names is final at once',
      new TypeError('x'),
      1,
      { kind: 'failure', end: { reason: 'error' } },
    ],
    ['a failure that says so is final at once', ApplicationFailure.nonRetryable('x'), 1, { kind: 'failure' }],
    [
      'a database that is away is tried again',
      new CodedError('STORE_UNAVAILABLE', 'x'),
      1,
      { kind: 'retry' },
    ],
    [
      'a time-out is tried again',
      new CodedError('JOB_TIMED_OUT', 'x'),
      1,
      { kind: 'retry', reason: 'timed_out' },
    ],
    [
      'a last time-out ends the job',
      new CodedError('JOB_TIMED_OUT', 'x'),
      3,
      { kind: 'failure', end: { reason: 'timed_out' } },
    ],
    [
      'a time-out of what did not stop is tried again',
      leftBehind,
      1,
      { kind: 'retry', reason: 'timed_out', error: { type: 'JOB_TIMED_OUT' } },
    ],
  ])('%s', (_, error, attempt, expected) => {
    expect(classify(error, attempt)).toMatchObject(expected);
  });

  it.each([
    ['type', new TypeError('x')],
    ['class, which gave itself no name', new QuotaError('x')],
    ['code of the system', Object.assign(new Error('x'), { code: 'ECONNREFUSED' })],
    ['code of ours', new CodedError('TEMPORAL_UNAVAILABLE', 'x')],
    ['type of a failure of Temporal', ApplicationFailure.create({ message: 'x', type: 'Throttled' })],
  ])('ends a job at once by an error that it names by its %s', (_, error) => {
    expect(classify(error)).toMatchObject({ kind: 'failure', end: { reason: 'error' } });
  });

  it('tries an error again that is not named, whatever it is called', () => {
    expect(classify(Object.assign(new RangeError('TypeError'), { code: 5 }))).toMatchObject({
      kind: 'retry',
    });
  });

  it.each([
    ['cancelRequested', { kind: 'failure', end: { reason: 'cancelled' } }],
    ['reset', { kind: 'retry', reason: 'lost' }],
    ['paused', { kind: 'retry', reason: 'lost' }],
    ['workerShutdown', { kind: 'retry', reason: 'lost' }],
  ] as const)('an attempt stopped for %s', (word, expected) => {
    expect(classify(new CancelledFailure('stop'), 3, words(word))).toMatchObject(expected);
  });

  it('leaves the end of a last time-out of what did not stop to the settling', () => {
    expect(classify(leftBehind, 3)).toBeNull();
  });

  it.each([
    ['an error of a kind', new RetryLater('busy', { retryAfterMs: 60_000 }), '2026-11-25T10:01:00.000Z'],
    [
      'a failure of Temporal',
      ApplicationFailure.create({ message: 'busy', nextRetryDelay: '5s' }),
      '2026-11-25T10:00:05.000Z',
    ],
    [
      'a coded error, also one that is final otherwise',
      new CodedError('RATE_LIMITED', 'busy', { retryAfterMs: 1_500 }),
      '2026-11-25T10:00:01.500Z',
    ],
    ['a time that is over', new RetryLater('busy', { retryAfterMs: -5 }), '2026-11-25T10:00:00.001Z'],
  ])('keeps when the next attempt begins by %s', (_, error, retryAt) => {
    expect(classify(error)).toMatchObject({ kind: 'retry', error: { message: 'busy', retryAt } });
    expect(classify(error, 3)).toEqual({
      kind: 'failure',
      end: { state: 'FAILED', reason: 'error' },
      error: expect.not.objectContaining({ retryAt: expect.anything() }),
    });
  });

  it('caps how long an error may ask to wait, and says so', () => {
    const message = 'busy (asked to wait 7200 s before the next attempt; at most 3600 s are waited)';
    expect(classify(new RetryLater('busy', { retryAfterMs: 7_200_000 }))).toMatchObject({
      kind: 'retry',
      error: { type: 'RetryLater', message, retryAt: '2026-11-25T11:00:00.000Z' },
    });
    expect(classify(new RetryLater('busy', { retryAfterMs: Number.POSITIVE_INFINITY }))).toMatchObject({
      error: { retryAt: '2026-11-25T11:00:00.000Z' },
    });
  });

  it('backs off as the job says where an error asks for no time', () => {
    const end = classify(new RetryLater('busy', { retryAfterMs: Number.NaN }));
    expect(end).toMatchObject({
      kind: 'retry',
      error: expect.not.objectContaining({ retryAt: expect.anything() }),
    });
  });

  it.each(['timedOut', 'notFound'] as const)('writes nothing for an attempt stopped for %s', (word) => {
    expect(classify(new CancelledFailure('stop'), 3, words(word))).toBeNull();
  });
});

describe('describeError', () => {
  it('keeps type, message, code, facts and cause', () => {
    const cause = new Error('socket hang up');
    const error = new CodedError('CSV_INVALID', 'line 3', { cause, data: { line: 3 } });
    expect(describeError(error)).toEqual({
      type: 'CSV_INVALID',
      code: 'CSV_INVALID',
      message: 'line 3',
      data: { line: 3 },
      cause: 'Error: socket hang up',
    });
  });

  it('bounds what it keeps, and makes it text that Postgres takes', () => {
    const { message } = describeError(new Error(`\0\ud800${'x'.repeat(10_000)}`));
    expect(message.length).toBe(limits.errorMessageChars);
    expect(message.slice(0, 2)).toBe('\ufffd\ufffd');
    expect(describeError('just text')).toEqual({ type: 'Error', message: 'just text' });
  });
});
