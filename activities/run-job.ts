import { Context } from '@temporalio/activity';
import { CodedError } from '../graph/errors.ts';
import { heartbeat } from '../graph/rules.ts';
import { problemsOfZod } from '../graph/zod-problems.ts';
import type { AnyJobKind, JobContext } from '../jobs/define-job-kind.ts';
import { jobRunIdOf } from '../store/index.ts';
import type { AttemptWarehouse } from '../warehouse/attempt-warehouse.ts';
import type { Dependencies } from './dependencies.ts';
import { type RunJobInput, resolveJob, resolveKind } from './resolve-job.ts';

/** What the interceptor recorded of this attempt before the job's code runs. */
export interface StartedAttempt {
  readonly jobRunId: string;
  readonly attempt: number;
  readonly epoch: number;
  /** Of the warehouse's fence; null for kinds that do not write there. */
  readonly token: string | null;
  readonly timeoutMs: number;
}

type Report = (note: Parameters<JobContext['progress']>[0]) => void;

/** Runs one attempt of a job: resolve, open the warehouse, run, check the output, publish. Resolves with the output. */
export async function runJob(
  deps: Dependencies,
  input: RunJobInput,
  attempt: StartedAttempt,
): Promise<unknown> {
  const kind = resolveKind(deps, input);
  const job = await resolveJob(deps, input);
  return withLimits(input, attempt.timeoutMs, async (signal, report) => {
    if (attempt.token === null) {
      const ctx = createContext(deps, input, attempt, signal, report, withoutWarehouse(kind));
      return checkOutput(kind, input.job, await kind.run(ctx, job.config));
    }
    const token = BigInt(attempt.token);
    const { jobRunId, epoch } = attempt;
    const opened = await deps.warehouse.openAttempt({
      project: input.project,
      jobRunId,
      epoch,
      token,
      signal,
    });
    try {
      if (opened.published) return opened.published.output;
      const ctx = createContext(deps, input, attempt, signal, report, opened.warehouse);
      const output = checkOutput(kind, input.job, await kind.run(ctx, job.config));
      await opened.publish(output);
      return output;
    } finally {
      await opened.discard();
    }
  });
}

/**
 * Beats while the job works, so that a cancel reaches it and its worker's death is noticed, and keeps its `timeout`: the
 * activity's own time-out is later, to leave time for recording.
 */
async function withLimits<Result>(
  input: RunJobInput,
  timeoutMs: number,
  work: (signal: AbortSignal, report: Report) => Promise<Result>,
): Promise<Result> {
  const activity = Context.current();
  const timeout = new AbortController();
  let latest: unknown;
  const beats = setInterval(() => activity.heartbeat(latest), heartbeat.everyMs);
  const alarm = setTimeout(
    () => {
      timeout.abort(
        new CodedError(
          'JOB_TIMED_OUT',
          `Job "${input.job}" took longer than its timeout of ${timeoutMs} ms.`,
        ),
      );
    },
    Math.min(timeoutMs, longestTimerMs),
  );
  const signal = AbortSignal.any([activity.cancellationSignal, timeout.signal]);
  let lastWord: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(signal.reason);
    signal.addEventListener('abort', () => {
      lastWord = setTimeout(giveUp, cleanUpMs);
    });
  });
  const note: Report = (given) => {
    latest = given;
  };
  try {
    return await Promise.race([work(signal, note), late]);
  } catch (error) {
    // What stopped code throws is of less use than why it was stopped.
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(beats);
    clearTimeout(alarm);
    clearTimeout(lastWord);
  }
}

/** A timer of Node holds at most 2^31-1 ms. */
const longestTimerMs = 2_147_483_647;
/** How long code that was told to stop may clean up before the attempt ends without it. */
const cleanUpMs = 10_000;

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
  signal: AbortSignal,
  report: Report,
  warehouse: AttemptWarehouse,
): JobContext {
  const { project, job } = input;
  const subject = input.graphRunId ?? attempt.jobRunId;
  return {
    project,
    job,
    graphRunId: input.graphRunId ?? null,
    jobRunId: attempt.jobRunId,
    attempt: attempt.attempt,
    idempotencyKey: `${subject}/${job}/${attempt.epoch}`,
    params: input.params ?? {},
    signal,
    log: deps.log,
    files: { open: (name) => deps.store.files.open(project, name) },
    warehouse,
    upstream: async (key) => {
      if (input.graphRunId === undefined) return undefined;
      return deps.store.recorder.outputOf(jobRunIdOf(input.graphRunId, key));
    },
    progress: report,
  };
}

function withoutWarehouse(kind: AnyJobKind): AttemptWarehouse {
  const refuse = (): never => {
    throw new Error(`job kind "${kind.kind}" uses the warehouse; define it with writesWarehouse: true`);
  };
  return { tableOf: refuse, stage: refuse };
}
