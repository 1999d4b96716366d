import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { logSparingly } from '../../watch/log-sparingly.ts';

interface Line {
  readonly msg: string;
  readonly times: number;
  readonly err: { readonly message: string };
}

/** A logger as the processes have it, whose lines are kept. */
function useLog() {
  const lines: Line[] = [];
  const write = (text: string) => lines.push(JSON.parse(text));
  return { lines, log: pino({ serializers: { error: pino.stdSerializers.err } }, { write }) };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('errors that come again and again', () => {
  it('are told at once, then once in a while, with the latest and how many there were', () => {
    const { lines, log } = useLog();
    const onError = logSparingly(log, 'it goes on');
    for (let second = 0; second <= 60; second += 1) {
      onError(new Error(`away for ${second} s`));
      vi.advanceTimersByTime(1_000);
    }
    expect(lines.map(({ msg, times, err }) => [msg, times, err.message])).toEqual([
      ['it goes on', 1, 'away for 0 s'],
      ['it goes on', 30, 'away for 30 s'],
      ['it goes on', 30, 'away for 60 s'],
    ]);
  });

  it('are told at once again after a quiet time', () => {
    const { lines, log } = useLog();
    const onError = logSparingly(log, 'it goes on', 100);
    onError(new Error('first'));
    vi.advanceTimersByTime(5_000);
    onError(new Error('second'));
    expect(lines.map(({ times, err }) => [times, err.message])).toEqual([
      [1, 'first'],
      [1, 'second'],
    ]);
  });

  it('are counted for each place that tells them', () => {
    const { lines, log } = useLog();
    logSparingly(log, 'one')('text');
    logSparingly(log, 'other')('text');
    expect(lines.map(({ msg, times }) => [msg, times])).toEqual([
      ['one', 1],
      ['other', 1],
    ]);
  });
});
