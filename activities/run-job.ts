import { Context } from '@temporalio/activity';
import { writeDuration } from '../graph/durations.ts';
import { CodedError } from '../graph/errors.ts';
import { cleanUpMs } from '../graph/rules.ts';
import type { Fence } from '../graph/transitions.ts';
import { problemsOfZod } from '../graph/zod-problems.ts';
import type { AnyJobKind, JobContext } from '../jobs/define-job-kind.ts';
import { jobRunIdOf } from '../store/index.ts';
import type { AttemptWarehouse } from '../warehouse/attempt-warehouse.ts';
import { openCheckpoint } from './checkpoint.ts';
import type { Dependencies } from './dependencies.ts';
import { encodeOutput } from './encode-output.ts';
import { inWarehouse, isWarehouseAway } from './in-warehouse.ts';
import { createJobLog } from './job-log.ts';
import { fillConfig, isConditionMet, readJobValues } from './job-values.ts';
import { type RunJobInput, resolveJob, resolveKind } from './resolve-job.ts';
import { skipped } from './skipped.ts';
import { whileStoreIsAway } from './while-store-is-away.ts';

/** What the interceptor recorded of this attempt before the job's code runs. */
export interface StartedAttempt {
  readonly jobRunId: string;
  readonly attempt: number;
  readonly epoch: number;
  /** Of the warehouse's fence; null for kinds that do not write there. */
  readonly token: string | null;
  readonly timeoutMs: number;
  /** Its place in order, for what it writes. */
  readonly fence: Fence;
  /** None before it in this epoch can have left anything. */
  readonly isFirst: boolean;
  /** Keeps how far the work is for the next heartbeat. */
  report(note: Parameters<JobContext['progress']>[0]): void;
}

/** Runs one attempt of a job: resolve, open the warehouse, run, check the output, publish. Resolves with the output, or with `skipped`. */
export async function runJob(
  deps: Dependencies,
  input: RunJobInput,
  attempt: StartedAttempt,
): Promise<unknown> {
  const kind = resolveKind(deps, input);
  const job = await resolveJob(deps, input);
  const { token, jobRunId, epoch } = attempt;
  return withLimits(input, attempt, async (signal) => {
    const values = await readJobValues(deps, input, signal);
    if (input.graphRunId !== undefined && !(await isConditionMet(job, values))) return skipped;
    const { config, values: asked } = await fillConfig(kind, job, values);
    const checkpoint = await openCheckpoint(deps, input.job, attempt, signal);
    const run = async (warehouse: AttemptWarehouse): Promise<unknown> => {
      const { params } = values;
      const ctx = createContext(deps, input, attempt, {
        params,
        values: asked,
        checkpoint,
        signal,
        warehouse,
      });
      return checkOutput(kind, input.job, await kind.run(ctx, config));
    };
    if (token === null) return run(withoutWarehouse(kind));
    const opened = { project: input.project, jobRunId, epoch, token: BigInt(token), signal };
    return inWarehouse(deps.warehouse, opened, async (warehouse) => {
      const output = await run(warehouse);
      // Refused before anything is replaced.
      encodeOutput(input.job, output);
      return output;
    });
  });
}

/**
 * Keeps the job's `timeout`: the activity's own time-out is later, to leave time for recording. Code that was told to stop
 * is given time to clean up.
 */
async function withLimits<Result>(
  input: RunJobInput,
  { timeoutMs, token }: Pick<StartedAttempt, 'timeoutMs' | 'token'>,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  const { signal } = over;
  const leave = followCancellation(input.job, over);
  const alarm = setTimeout(
    () => {
      over.abort(
        new CodedError(
          'JOB_TIMED_OUT',
          `Job "${input.job}" took longer than its timeout of ${writeDuration(timeoutMs)}.`,
        ),
      );
    },
    Math.min(timeoutMs, longestTimerMs),
  );
  let lastWord: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const wait = (): void => {
      lastWord = setTimeout(
        () => reject(token === null ? signal.reason : stillInWarehouse(input, signal)),
        cleanUpMs,
      );
    };
    if (signal.aborted) wait();
    else signal.addEventListener('abort', wait, { once: true });
  });
  try {
    return await Promise.race([work(signal), late]);
  } catch (error) {
    // What stopped code throws is of less use than why it was stopped.
    if (!isWarehouseAway(error)) signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(alarm);
    clearTimeout(lastWord);
    leave();
  }
}

/** Left behind, it may yet publish: who ends the job run shuts it out. */
function stillInWarehouse({ job }: RunJobInput, { reason: cause }: AbortSignal): CodedError {
  const message = `Job "${job}" was told to stop and did not within ${writeDuration(cleanUpMs)}; what it does in the warehouse is shut out.`;
  return new CodedError('WAREHOUSE_UNAVAILABLE', message, { cause });
}

/** Hands Temporal's word to stop on, with a reason that people understand. */
function followCancellation(job: string, over: AbortController): () => void {
  const activity = Context.current();
  const { cancellationSignal: signal } = activity;
  const stop = (): void => {
    over.abort(activity.cancellationDetails?.workerShutdown ? workerStopped(job) : signal.reason);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}

/** Why an attempt ends that did not end within its worker's grace. */
export function workerStopped(job: string): CodedError {
  const message = `The worker that ran job "${job}" was stopped before the job ended; another worker runs it again.`;
  return new CodedError('WORKER_STOPPED', message);
}

/** A timer of Node holds at most 2^31-1 ms. */
const longestTimerMs = 2_147_483_647;

function checkOutput(kind: AnyJobKind, job: string, output: unknown): unknown {
  const parsed = kind.output.safeParse(output);
  if (parsed.success) return parsed.data;
  const problems = problemsOfZod(parsed.error);
  const list = problems.map((problem) => `${problem.path || 'output'}: ${problem.message}`).join('; ');
  throw new CodedError(
    'OUTPUT_INVALID',
    `The output of job "${job}" is not what kind "${kind.kind}" declares: ${list}.`,
  );
}

function createContext(
  deps: Dependencies,
  input: RunJobInput,
  attempt: StartedAttempt,
  opened: Pick<JobContext, 'params' | 'values' | 'checkpoint' | 'signal' | 'warehouse'>,
): JobContext {
  const { project, job } = input;
  const { signal } = opened;
  const subject = input.graphRunId ?? attempt.jobRunId;
  return {
    project,
    job,
    graphRunId: input.graphRunId ?? null,
    jobRunId: attempt.jobRunId,
    attempt: attempt.attempt,
    idempotencyKey: `${subject}/${job}/${attempt.epoch}`,
    ...opened,
    log: createJobLog(deps.log, { project, job, jobRunId: attempt.jobRunId, attempt: attempt.attempt }),
    files: { open: (name) => whileStoreIsAway(() => deps.store.files.open(project, name), signal) },
    upstream: async (key) => {
      if (input.graphRunId === undefined) return undefined;
      const id = jobRunIdOf(input.graphRunId, key);
      return whileStoreIsAway(() => deps.store.recorder.outputOf(id), signal);
    },
    progress: attempt.report,
  };
}

function withoutWarehouse(kind: AnyJobKind): AttemptWarehouse {
  const refuse = (): never => {
    throw new Error(`job kind "${kind.kind}" uses the warehouse; define it with writesWarehouse: true`);
  };
  return { tableOf: refuse, stage: refuse };
}
