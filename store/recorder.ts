// What the activity interceptor writes. One writer per process: while a flush is under way the next gathers, so that
// many attempts share one statement, and a single one waits for nobody (docs/architecture.md).
import type { Fence, JobRunRow } from '../graph/transitions.ts';
import type { AttemptOutcome, AttemptStart, EndAnswer, PendingWrite, StartAnswer } from './attempt-writes.ts';
import type { Database } from './database.ts';
import type { Epochs } from './epochs.ts';
import { flushPatiently } from './flush-patiently.ts';
import { createGatherer } from './gatherer.ts';
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
/** How long a start that nobody waits for may lie: a job that ends at once is written in one go with it. */
const startLiesMs = 4;
/** With so many attempts under way at once, some may be waited for; and for a while after, since such times come in waves. */
const crowd = 3;
const crowdedForMs = 200;

export function createRecorder(
  database: Database,
  epochs: Epochs,
  { outageMaxMs = outageMaxMsDefault }: RecorderOptions = {},
): Recorder {
  /** Attempts in this process, and their rows as it wrote them last; undefined before that. */
  const underWay = new Map<string, JobRunRow | undefined>();

  let crowdedAt = Number.NEGATIVE_INFINITY;

  const expectRow = ({ type, write }: PendingWrite): JobRunRow | undefined => {
    const { jobRunId } = write.subject;
    return (
      underWay.get(keyOf(jobRunId, write.fence)) ??
      (type === 'start' && write.isFirst ? freshRow(jobRunId) : undefined)
    );
  };
  const onStored = (row: JobRunRow): void => {
    const key = row.fence && keyOf(row.id, row.fence);
    if (key !== null && underWay.has(key)) underWay.set(key, row);
  };
  const gatherer = createGatherer<PendingWrite>({
    flush: (writes) => flushPatiently(database, writes, { outageMaxMs, expectRow, onStored }),
    itemsMax: writesPerFlush,
    areOthers: () => performance.now() - crowdedAt < crowdedForMs,
  });

  return {
    start: (write) =>
      new Promise((answer, fail) => {
        underWay.set(keyOf(write.subject.jobRunId, write.fence), undefined);
        if (underWay.size >= crowd) crowdedAt = performance.now();
        gatherer.add({ type: 'start', write, answer, fail }, write.isAwaited ? 0 : startLiesMs);
      }),
    end: (write) => new Promise((answer, fail) => gatherer.add({ type: 'end', write, answer, fail })),
    leave: ({ jobRunId, fence }) => void underWay.delete(keyOf(jobRunId, fence)),
    epochOf: (runId) => epochs.find(runId),
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
