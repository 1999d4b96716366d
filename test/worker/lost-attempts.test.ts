import { describe, expect, it } from 'vitest';
import type { WorkerEnd } from '../../graph/worker-ends.ts';
import { type Found, type RunningAttempt, tellLost } from '../../worker/lost-attempts.ts';

const blocked: WorkerEnd = { how: 'blocked', forMs: 8_000, stack: '    at spin (job.ts:1:1)' };
const attemptOf = (job: string): RunningAttempt => ({
  subject: { jobRunId: `id of ${job}`, project: 'p', job, graphRunId: null },
  fence: { runId: 'run', scheduledAtMs: 1 },
  worker: '1@host',
  kind: 'k',
  attempt: 1,
});
const tell = (keys: number[], found: Found, end: WorkerEnd = blocked) =>
  tellLost(new Map(keys.map((key) => [key, attemptOf(`job${key}`)])), found, end).map(
    ({ attempt, error }) => [attempt.subject.job, error.type] as const,
  );

describe('attempts of a worker that ends', () => {
  it.each<[string, number[], Found, (readonly [string, string])[]]>([
    [
      'blame the one whose code was found at work',
      [1, 2],
      2,
      [
        ['job1', 'WorkerLost'],
        ['job2', 'WorkerBlocked'],
      ],
    ],
    [
      'blame none of several when nothing was found',
      [1, 2],
      'unknown',
      [
        ['job1', 'WorkerLost'],
        ['job2', 'WorkerLost'],
      ],
    ],
    ['blame the only one when nothing was found', [1], 'unknown', [['job1', 'WorkerBlocked']]],
    ['do not blame the only one for code of nobody', [1], 'nobody', [['job1', 'WorkerLost']]],
    ['do not blame one for code of an attempt that has ended', [1], 7, [['job1', 'WorkerLost']]],
  ])('%s', (_title, keys, found, told) => {
    expect(tell(keys, found)).toEqual(told);
  });

  it('are told what ended it', () => {
    const exited: WorkerEnd = { how: 'exited', code: 3, uncaught: null };
    const messages = tellLost(new Map([1, 2].map((key) => [key, attemptOf(`job${key}`)])), 1, exited).map(
      ({ error }) => error.message,
    );
    expect(messages[0]).toContain('Job "job1" ended its worker');
    expect(messages[0]).toContain('process.exit(3)');
    expect(messages[1]).toBe('Another job ended the process of the worker; this attempt was lost with it.');
  });
});
