import { expect, it } from 'vitest';
import { allocateBoard, readBoard, writeBoard } from '../../worker/attempt-board.ts';
import type { RunningAttempt } from '../../worker/lost-attempts.ts';

const attempt = (job: string): RunningAttempt => ({
  subject: { jobRunId: 'id', project: 'p', job, graphRunId: null },
  fence: { runId: 'run', scheduledAtMs: 1 },
  worker: 'worker:1@host',
  kind: 'noop',
  attempt: 1,
});
const jobsOn = (memory: ReturnType<typeof allocateBoard>) =>
  [...readBoard(memory)].map(([key, { subject }]) => `${key} ${subject.job}`);

it('shows what runs, in the order in which it began', () => {
  const memory = allocateBoard(3);
  const board = writeBoard(memory);
  expect(readBoard(memory).size).toBe(0);
  const first = board.add(1, attempt('a'));
  board.add(2, attempt('b'));
  expect(readBoard(memory).get(1)).toEqual(attempt('a'));
  board.remove(first ?? -1);
  expect(jobsOn(memory)).toEqual(['2 b']);
  board.add(3, attempt('ä'));
  board.add(4, attempt('d'));
  expect(jobsOn(memory)).toEqual(['2 b', '3 ä', '4 d']);
});

it('leaves out what it has no place for', () => {
  const memory = allocateBoard(2);
  const board = writeBoard(memory);
  expect(board.add(1, attempt('x'.repeat(3_000)))).toBeDefined();
  const second = board.add(2, attempt('b'));
  expect(board.add(3, attempt('c'))).toBeUndefined();
  expect(jobsOn(memory)).toEqual(['2 b']);
  board.remove(second ?? -1);
  board.add(4, attempt('d'));
  expect(jobsOn(memory)).toEqual(['4 d']);
});
