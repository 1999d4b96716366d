// What the activity interceptor writes. One writer per process: while a flush is under way the next gathers, so that
// many attempts share one statement, and a single one waits for nobody (docs/architecture.md).
import { LRUCache } from 'lru-cache';
import type { Fence, JobRunRow } from '../graph/transitions.ts';
import type { AttemptOutcome, AttemptStart, EndAnswer, PendingWrite, StartAnswer } from './attempt-writes.ts';
import type { Database } from './database.ts';
import { flushPatiently } from './flush-patiently.ts';
import { freshRow } from './job-run-rows.ts';

export type { AttemptOutcome, AttemptStart, EndAnswer, StartAnswer } from './attempt-writes.ts';

export interface Recorder {
  start(start: AttemptStart): Promise<StartAnswer>;
  end(outcome: AttemptOutcome): Promise<EndAnswer>;
  /** The attempt is over in this process, whether it wrote an end or not. */
  leave(attempt: { readonly jobRunId: string; readonly fence: Fence }): void;
  /** The epoch that an execution carries out; it never changes. Undefined for an execution that never opened a run. */
  epochOf(runId: string): Promise<number | undefined>;
  /** The recorded output of a final job; undefined when it has none. */
  outputOf(jobRunId: string): Promise<unknown>;
}

export interface RecorderOptions {
  readonly outageMaxMs?: number | undefined;
}

/**
 * While Postgres cannot be reached, writes wait this long; then the outcome goes on unrecorded. A little shorter than what
 * an activity is given for recording, so that its time is not out first.
 */
const outageMaxMsDefault = 9 * 60_000;
/** In one statement; what is beyond waits for the next. */
const writesPerFlush = 500;
/** How long writes may lie while attempts are under way whose own may yet go with them. */
const gatherMs = 5;
const epochsKept = 10_000;

export function createRecorder(
  database: Database,
  { outageMaxMs = outageMaxMsDefault }: RecorderOptions = {},
): Recorder {
  const epochs = new LRUCache<string, number>({ max: epochsKept });
  /** Attempts in this process; true while one waits for an answer. */
  const underWay = new Map<string, boolean>();
  /** Rows of those attempts as this process wrote them last. */
  const rows = new Map<string, JobRunRow>();
  let waiting = 0;
  let queue: PendingWrite[] = [];
  let flushing = false;
  let timer: NodeJS.Timeout | undefined;

  const enter = (key: string, waits: boolean): void => {
    if (waits && underWay.get(key) !== true) waiting += 1;
    underWay.set(key, waits || underWay.get(key) === true);
  };
  const answered = (key: string): void => {
    if (underWay.get(key) !== true) return;
    waiting -= 1;
    underWay.set(key, false);
  };

  /** At once where nobody is left whose write could go with these. */
  const flushSoon = (): void => {
    if (flushing || queue.length === 0) return;
    if (waiting >= underWay.size) void flushAll();
    else timer ??= setTimeout(() => void flushAll(), gatherMs);
  };

  const flushAll = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    flushing = true;
    const writes = queue.slice(0, writesPerFlush);
    queue = queue.slice(writesPerFlush);
    await flushPatiently(database, writes, { outageMaxMs, expectRow, onStored });
    flushing = false;
    flushSoon();
  };

  const expectRow = ({ type, write }: PendingWrite): JobRunRow | undefined => {
    const { jobRunId } = write.subject;
    return rows.get(jobRunId) ?? (type === 'start' && write.isFirst ? freshRow(jobRunId) : undefined);
  };
  const onStored = (row: JobRunRow): void => {
    if (row.fence !== null && underWay.has(keyOf(row.id, row.fence))) rows.set(row.id, row);
  };

  return {
    start: (write) =>
      new Promise((resolve, reject) => {
        const key = keyOf(write.subject.jobRunId, write.fence);
        const over = write.isAwaited ? () => answered(key) : () => {};
        enter(key, write.isAwaited);
        queue.push({ type: 'start', write, ...after(over, resolve, reject) });
        flushSoon();
      }),
    end: (write) =>
      new Promise((resolve, reject) => {
        const key = keyOf(write.subject.jobRunId, write.fence);
        enter(key, true);
        queue.push({ type: 'end', write, ...after(() => answered(key), resolve, reject) });
        flushSoon();
      }),
    leave: ({ jobRunId, fence }) => {
      const key = keyOf(jobRunId, fence);
      answered(key);
      underWay.delete(key);
      const row = rows.get(jobRunId);
      if (row?.fence && keyOf(jobRunId, row.fence) === key) rows.delete(jobRunId);
      flushSoon();
    },
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

function keyOf(jobRunId: string, { runId, scheduledAtMs }: Fence): string {
  return `${jobRunId}/${runId}/${scheduledAtMs}`;
}

/** The answer of a write, and what is to be done before it is given. */
function after<Answer>(
  over: () => void,
  resolve: (answer: Answer) => void,
  reject: (error: unknown) => void,
): { answer(answer: Answer): void; fail(error: unknown): void } {
  return {
    answer: (answer) => {
      over();
      resolve(answer);
    },
    fail: (error) => {
      over();
      reject(error);
    },
  };
}
