import type { Explanation, Verification } from '../graph/inspections.ts';
import type {
  AttemptView,
  GraphRunDetail,
  GraphRunView,
  JobRunDetail,
  Page,
  ResumePlanView,
} from '../graph/resources.ts';
import type { RunState } from '../graph/states.ts';
import type { Http } from './http.ts';
import { newIdempotencyKey, type OnceOptions } from './idempotency.ts';
import { type PageOptions, walkPages } from './pages.ts';

export interface RunOptions extends OnceOptions {
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /** `job`, `+job`, `job+`; all jobs unless told. */
  readonly select?: readonly string[] | undefined;
}

export interface ResumeChoice {
  /** Only these jobs run again, with all downstream; else all that failed or were not reached. */
  readonly from?: readonly string[] | undefined;
  /** By the project's current graph, in place of the one that the run is pinned to. */
  readonly latest?: boolean | undefined;
}

export interface ResumeOptions extends ResumeChoice, OnceOptions {
  /** The hash of the plan that is to be applied: the server refuses the resume if that has changed. */
  readonly plan?: string | undefined;
}

/** Of a cancel, a pause, an unpause or a retry. */
export interface NoteOptions extends OnceOptions {
  /** Why, in up to 500 characters. */
  readonly note?: string | undefined;
}

export interface MarkOptions extends OnceOptions {
  /** Why, in up to 500 characters. */
  readonly note: string;
  /** JSON. */
  readonly output?: unknown;
}

export interface RunFilter {
  readonly project?: string | undefined;
  readonly state?: RunState | undefined;
  /** Those that a backfill has made, by its id. */
  readonly backfill?: string | undefined;
}

export function createGraphRuns(http: Http) {
  const path = ['v1', 'graph-runs'];
  /** Newest first. */
  const list = (options: RunFilter & PageOptions = {}) =>
    http.request<Page<GraphRunView>>({ method: 'GET', path, query: { ...options } });
  const ask = (
    id: string,
    what: 'cancel' | 'pause' | 'unpause',
    { idempotencyKey = newIdempotencyKey(), ...json }: NoteOptions,
  ) => http.request<GraphRunView>({ method: 'POST', path: [...path, id, what], json, idempotencyKey });
  return {
    /**
     * Runs the project's current graph. Once this resolves, the run is stored and will be carried out. The run is told as
     * it was created; `get` tells how it is now, and its job runs.
     */
    start: (project: string, { idempotencyKey = newIdempotencyKey(), ...run }: RunOptions = {}) =>
      http.request<GraphRunView>({
        method: 'POST',
        path: ['v1', 'projects', project, 'runs'],
        json: run,
        idempotencyKey,
      }),
    list,
    /** All of them, newest first. */
    all: (filter: RunFilter = {}) => walkPages((cursor) => list({ ...filter, cursor })),
    /** With its job runs in topological order. */
    get: (id: string) => http.request<GraphRunDetail>({ method: 'GET', path: [...path, id] }),
    /** Which jobs a resume would run again, and why. */
    plan: (id: string, choice: ResumeChoice = {}) =>
      http.request<ResumePlanView>({ method: 'POST', path: [...path, id, 'plan'], json: choice }),
    /** Goes on with a run that has ended; resolves with the run at its next epoch. */
    resume: (id: string, { idempotencyKey = newIdempotencyKey(), ...resume }: ResumeOptions = {}) =>
      http.request<GraphRunView>({
        method: 'POST',
        path: [...path, id, 'resume'],
        json: resume,
        idempotencyKey,
      }),
    /**
     * Cancels it. Once this resolves, the request is kept and will be carried out: jobs in flight are told to stop, nothing
     * more is started, and the run ends as FAILED/`cancelled`, unless it was at its end already.
     */
    cancel: (id: string, options: NoteOptions = {}) => ask(id, 'cancel', options),
    /**
     * Starts no more jobs of it: those in flight go on to their ends. Once this resolves, the request is kept and will be
     * carried out.
     */
    pause: (id: string, options: NoteOptions = {}) => ask(id, 'pause', options),
    /** Lets it go on. */
    unpause: (id: string, options: NoteOptions = {}) => ask(id, 'unpause', options),
    /** How the run's rows compare with Temporal's history of it. */
    verify: (id: string) => http.request<Verification>({ method: 'GET', path: [...path, id, 'verify'] }),
    /** Why it is not done, and each of its jobs. */
    explain: (id: string) => http.request<Explanation>({ method: 'GET', path: [...path, id, 'explain'] }),
  };
}

export function createJobRuns(http: Http) {
  const path = ['v1', 'job-runs'];
  return {
    get: (id: string) => http.request<JobRunDetail>({ method: 'GET', path: [...path, id] }),
    /**
     * Cancels it as a graph run is cancelled: one that was run alone, or one in a graph run, whose other jobs go on by their
     * rules.
     */
    cancel: (id: string, { idempotencyKey = newIdempotencyKey(), ...cancel }: NoteOptions = {}) =>
      http.request<JobRunDetail>({
        method: 'POST',
        path: [...path, id, 'cancel'],
        json: cancel,
        idempotencyKey,
      }),
    /** Goes on with one that was run alone and has failed, at its next epoch. */
    resume: (id: string, { idempotencyKey = newIdempotencyKey() }: OnceOptions = {}) =>
      http.request<JobRunDetail>({ method: 'POST', path: [...path, id, 'resume'], json: {}, idempotencyKey }),
    /**
     * Marks a failed job of a graph run as done by hand: the next resume of the run keeps it, and gives the output to the jobs
     * below it.
     */
    mark: (id: string, { idempotencyKey = newIdempotencyKey(), ...mark }: MarkOptions) =>
      http.request<JobRunDetail>({
        method: 'POST',
        path: [...path, id, 'mark'],
        json: mark,
        idempotencyKey,
      }),
    /** Begins the next attempt at once of a job that waits for it; its attempts are counted on. */
    retry: (id: string, { idempotencyKey = newIdempotencyKey(), ...retry }: NoteOptions = {}) =>
      http.request<JobRunDetail>({
        method: 'POST',
        path: [...path, id, 'retry'],
        json: retry,
        idempotencyKey,
      }),
    /** Oldest first. */
    attempts: async (id: string) =>
      (await http.request<Page<AttemptView>>({ method: 'GET', path: [...path, id, 'attempts'] })).items,
    /** How its rows compare with Temporal's history of it. */
    verify: (id: string) => http.request<Verification>({ method: 'GET', path: [...path, id, 'verify'] }),
    /** Why it is not done; of one in a graph run, with that run. */
    explain: (id: string) => http.request<Explanation>({ method: 'GET', path: [...path, id, 'explain'] }),
  };
}
