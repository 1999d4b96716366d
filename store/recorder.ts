// What the activity interceptor writes. One writer per process: while a flush is under way the next gathers, so that
// many attempts share one transaction, and a single one waits for nobody (docs/architecture.md).
import { LRUCache } from 'lru-cache';
import type { AttemptEnd, Fence, RecordedOutput } from '../graph/transitions.ts';
import type { Database } from './database.ts';
import { isConnectionError, translateDatabaseError } from './database-errors.ts';
import { flushWrites } from './flush-attempts.ts';

export interface AttemptStart {
  readonly jobRunId: string;
  readonly fence: Fence;
  readonly worker: string;
  readonly at: Date;
  /** Asks for a token of the warehouse's fence. */
  readonly needsToken: boolean;
  /** The job's code waits for the answer. Otherwise a job that ends at once is written in one go with its start. */
  readonly isAwaited: boolean;
}

export type StartAnswer =
  | {
      readonly verdict: 'started';
      readonly attempt: number;
      readonly epoch: number;
      readonly token: string | null;
    }
  /** A SUCCESS is recorded in this epoch: the job does not run again. */
  | { readonly verdict: 'recorded'; readonly output: RecordedOutput | null }
  /** The job has ended otherwise, or a newer execution has taken over. */
  | { readonly verdict: 'superseded'; readonly message: string };

export interface AttemptOutcome {
  readonly jobRunId: string;
  readonly fence: Fence;
  readonly worker: string;
  readonly at: Date;
  readonly end: AttemptEnd;
}

export type EndAnswer =
  | { readonly verdict: 'recorded' }
  | { readonly verdict: 'superseded'; readonly message: string };

export interface Recorder {
  start(start: AttemptStart): Promise<StartAnswer>;
  end(outcome: AttemptOutcome): Promise<EndAnswer>;
  /** The epoch that an execution carries out; it never changes. Undefined for an execution that never opened a run. */
  epochOf(runId: string): Promise<number | undefined>;
  /** The recorded output of a final job; undefined when it has none. */
  outputOf(jobRunId: string): Promise<unknown>;
}

/** One write that waits for its flush. */
export type PendingWrite =
  | {
      readonly type: 'start';
      readonly write: AttemptStart;
      answer(answer: StartAnswer): void;
      fail(error: unknown): void;
    }
  | {
      readonly type: 'end';
      readonly write: AttemptOutcome;
      answer(answer: EndAnswer): void;
      fail(error: unknown): void;
    };

/**
 * While Postgres cannot be reached, writes wait this long; then the outcome goes on unrecorded. A little shorter than what
 * an activity is given for recording, so that its time is not out first.
 */
const outageMaxMsDefault = 9 * 60_000;
const outageRetryMaxMs = 2_000;
/** In one transaction; what is beyond waits for the next. */
const writesPerFlush = 500;
const epochsKept = 10_000;
/** How long a start that nobody waits for may lie before it is written. */
const startDelayMs = 3;

export interface RecorderOptions {
  readonly outageMaxMs?: number | undefined;
}

export function createRecorder(
  database: Database,
  { outageMaxMs = outageMaxMsDefault }: RecorderOptions = {},
): Recorder {
  const epochs = new LRUCache<string, number>({ max: epochsKept });
  let queue: PendingWrite[] = [];
  let flushing = false;
  let delay: NodeJS.Timeout | undefined;

  const add = (write: PendingWrite): void => {
    queue.push(write);
    if (flushing) return;
    if (write.type === 'end' || write.write.isAwaited) void flushAll();
    else delay ??= setTimeout(() => void flushAll(), startDelayMs);
  };

  const flushAll = async (): Promise<void> => {
    clearTimeout(delay);
    delay = undefined;
    flushing = true;
    while (queue.length > 0) {
      const writes = queue.slice(0, writesPerFlush);
      queue = queue.slice(writesPerFlush);
      await flushPatiently(database, writes, outageMaxMs);
    }
    flushing = false;
  };

  return {
    start: (write) => new Promise((answer, fail) => add({ type: 'start', write, answer, fail })),
    end: (write) => new Promise((answer, fail) => add({ type: 'end', write, answer, fail })),
    epochOf: async (runId) => {
      const known = epochs.get(runId);
      if (known !== undefined) return known;
      const found = await database.prisma.task.findUnique({ where: { runId }, select: { epoch: true } });
      if (found) epochs.set(runId, found.epoch);
      return found?.epoch;
    },
    outputOf: async (jobRunId) => {
      const found = await database.prisma.jobRun.findUnique({
        where: { id: jobRunId },
        select: { output: true },
      });
      const text = found?.output ?? null;
      return text === null ? undefined : (JSON.parse(text) as unknown);
    },
  };
}

async function flushPatiently(
  database: Database,
  writes: readonly PendingWrite[],
  outageMaxMs: number,
): Promise<void> {
  const until = Date.now() + outageMaxMs;
  let pauseMs = 50;
  for (;;) {
    try {
      const deliver = await database.transaction((client) => flushWrites(client, writes));
      deliver();
      return;
    } catch (error) {
      if (isConnectionError(error) && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        pauseMs = Math.min(pauseMs * 2, outageRetryMaxMs);
      } else if (writes.length > 1 && !isConnectionError(error)) {
        // Refused for what is in it: halved until the culprit stands alone, so that it spoils nobody else's write.
        const middle = writes.length >> 1;
        await flushPatiently(database, writes.slice(0, middle), outageMaxMs);
        await flushPatiently(database, writes.slice(middle), outageMaxMs);
        return;
      } else {
        for (const write of writes) write.fail(translateDatabaseError(error));
        return;
      }
    }
  }
}
