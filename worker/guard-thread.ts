// The thread beside a worker's main thread (worker/guard.ts). It has an event loop of its own, and ends the process.
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import pino from 'pino';
import { heartbeat } from '../graph/rules.ts';
import type { WorkerEnd } from '../graph/worker-ends.ts';
import { recordLostAttempts } from '../store/record-lost-attempts.ts';
import { readBoard } from './attempt-board.ts';
import { beatMs, type GuardMessage, type GuardSettings, places, recordMs } from './guard-messages.ts';
import { type Found, type LostAttempt, type RunningAttempt, tellLost } from './lost-attempts.ts';
import { pauseMainThread } from './pause-main-thread.ts';

/** Shortly before the heartbeats of all attempts of the worker run out of time: beyond it nothing of them can be saved. */
const blockedMaxMs = heartbeat.timeoutMs - 2_000;
const pauseMs = 1_000;

const { databaseUrl, shared, board } = workerData as GuardSettings;
const numbers = new Int32Array(shared);
// Written by this thread itself: `process.stderr` of a thread goes by way of the main thread.
const log = pino({ name: 'worker' }, pino.destination({ dest: 2, sync: true }));

parentPort?.on('message', (message: GuardMessage) => {
  if (message.type === 'filling') tellFilling(message);
  else void tellExit(message);
});

// Its own ticks are the only clock: while the machine sleeps, or the whole process is stopped, they stop as well.
let beats = 0;
let silentMs = 0;
setInterval(() => {
  const isSilent = Atomics.load(numbers, places.beats) === beats;
  const isDebugged = Atomics.load(numbers, places.isDebugged) === 1;
  silentMs = isSilent && !isDebugged && readBoard(board).size > 0 ? silentMs + beatMs : 0;
  beats = Atomics.load(numbers, places.beats);
  if (silentMs === blockedMaxMs) void endBlocked();
}, beatMs);

async function endBlocked(): Promise<void> {
  const seen = beats;
  const paused = await pauseMainThread(pauseMs);
  if (Atomics.load(numbers, places.beats) !== seen) {
    paused?.resume();
    return;
  }
  const found = paused === null ? 'unknown' : (paused.attempt ?? 'nobody');
  await record(found, { how: 'blocked', forMs: blockedMaxMs, stack: paused?.stack ?? null });
  process.kill(process.pid, 'SIGKILL');
}

async function tellExit(exit: Extract<GuardMessage, { type: 'exiting' }>): Promise<void> {
  const { key, code, uncaught } = exit;
  await record(key ?? 'nobody', { how: 'exited', code, uncaught });
  Atomics.store(numbers, places.isRecorded, 1);
  Atomics.notify(numbers, places.isRecorded);
}

/** Nothing can be written any more once it is full: the process is gone, and shows as lost only. */
function tellFilling({ usedMb, limitMb }: Extract<GuardMessage, { type: 'filling' }>): void {
  const jobs = [...readBoard(board).values()].toReversed().map(describeAttempt);
  log.warn({ usedMb, limitMb, jobs }, 'the memory of the worker fills up; when it is full, the worker ends');
}

/** In the log first, then on the attempts: the database may be away. */
async function record(found: Found, end: WorkerEnd): Promise<void> {
  const lost = tellLost(readBoard(board), found, end);
  logEnd(lost, end);
  if (lost.length === 0) return;
  const at = new Date();
  const outcomes = lost.map(({ attempt, error }) => {
    const { subject, fence, worker } = attempt;
    return { subject, fence, worker, at, end: { kind: 'retry', reason: 'lost', error } as const };
  });
  const late = pause(recordMs, undefined, { ref: false }).then(() => {
    throw new Error(`not recorded within ${recordMs} ms`);
  });
  await Promise.race([recordLostAttempts(databaseUrl, outcomes), late]).catch((error: unknown) => {
    log.error({ err: error }, 'the end of the worker could not be recorded: its attempts show as lost only');
  });
}

function logEnd(lost: readonly LostAttempt[], end: WorkerEnd): void {
  const offender = lost.find(({ isOffender }) => isOffender);
  // The one that began last is the first to look at.
  const others = lost.filter((each) => each !== offender).toReversed();
  const lostWithIt = others.map(({ attempt }) => describeAttempt(attempt));
  if (offender) {
    const { message, stack } = offender.error;
    log.fatal({ ...describeAttempt(offender.attempt), stack, lostWithIt }, message);
  } else {
    log.fatal({ ...end, lostWithIt }, 'the worker ends, and it cannot be told which job is to blame');
  }
}

function describeAttempt({ subject, kind, attempt }: RunningAttempt) {
  const { project, job, jobRunId } = subject;
  return { project, job, kind, jobRunId, attempt };
}
