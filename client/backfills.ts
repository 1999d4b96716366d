import type { Page } from '../graph/resources.ts';
import type { BackfillPreview, BackfillView, NewBackfillInput } from '../graph/schedules/backfills.ts';
import type { Http } from './http.ts';
import { newIdempotencyKey, type OnceOptions } from './idempotency.ts';
import { type PageOptions, walkPages } from './pages.ts';
import type { NoteOptions } from './runs.ts';

export type NewBackfill = NewBackfillInput;

export interface BackfillFilter {
  /** The name of one. */
  readonly schedule?: string | undefined;
}

export interface BackfillWindow {
  /** With its offset, or a date or a time on the clock of the schedule. */
  readonly from: string;
  /** Likewise, a date with all of its day; now unless told. */
  readonly to?: string | undefined;
  readonly atOnce?: number | undefined;
  readonly again?: boolean | undefined;
}

export interface CancelBackfillOptions extends NoteOptions {
  /** Its open runs are cancelled, too. */
  readonly running?: boolean | undefined;
}

export interface ResumeBackfillOptions extends NoteOptions {
  /** Its runs that have failed go on, too. */
  readonly failed?: boolean | undefined;
}

export function createBackfills(http: Http) {
  const one = (id: string) => ['v1', 'backfills', id];
  const ofSchedule = (project: string, schedule: string) => [
    ...['v1', 'projects', project, 'schedules', schedule, 'backfills'],
  ];
  /** Newest first. */
  const list = (project: string, options: BackfillFilter & PageOptions = {}) =>
    http.request<Page<BackfillView>>({
      method: 'GET',
      path: ['v1', 'projects', project, 'backfills'],
      query: { ...options },
    });
  const change = (
    path: readonly string[],
    { idempotencyKey = newIdempotencyKey(), ...json }: CancelBackfillOptions & ResumeBackfillOptions,
  ) => http.request<BackfillView>({ method: 'POST', path, json, idempotencyKey });
  return {
    /** Once this resolves the backfill is kept and will be carried out. Its runs: `graphRuns.list({ backfill })`. */
    start: (
      project: string,
      schedule: string,
      backfill: NewBackfill,
      { idempotencyKey = newIdempotencyKey() }: OnceOptions = {},
    ) =>
      http.request<BackfillView>({
        method: 'POST',
        path: ofSchedule(project, schedule),
        json: backfill,
        idempotencyKey,
      }),
    /** What it would do. */
    preview: (project: string, schedule: string, window: BackfillWindow) =>
      http.request<BackfillPreview>({
        method: 'GET',
        path: [...ofSchedule(project, schedule), 'preview'],
        query: { ...window },
      }),
    list,
    /** All of a project, newest first. */
    all: (project: string, filter: BackfillFilter = {}) =>
      walkPages((cursor) => list(project, { ...filter, cursor })),
    /** How far it has come. */
    get: (id: string) => http.request<BackfillView>({ method: 'GET', path: one(id) }),
    /** It makes no more runs; those that are open go on, unless `running` is told. */
    cancel: (id: string, options: CancelBackfillOptions = {}) => change([...one(id), 'cancel'], options),
    /** It goes on where it was stopped, with the runs that were cancelled since. */
    resume: (id: string, options: ResumeBackfillOptions = {}) => change([...one(id), 'resume'], options),
  };
}
