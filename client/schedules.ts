import type { GraphRunView, Page } from '../graph/resources.ts';
import type { ScheduleDefinition } from '../graph/schedules/definition.ts';
import type { NewScheduleInput, SchedulePreview, ScheduleView } from '../graph/schedules/resources.ts';
import type { ScheduleSimulation } from '../graph/schedules/simulations.ts';
import type { Http } from './http.ts';
import { newIdempotencyKey, type OnceOptions } from './idempotency.ts';
import { type PageOptions, walkPages } from './pages.ts';

export type NewSchedule = NewScheduleInput;

/** What is put in the place of the parts of a schedule; null takes a part away. */
export type ScheduleChange = {
  readonly [Part in keyof ScheduleDefinition]?: ScheduleDefinition[Part] | null;
};

export interface PauseOptions extends OnceOptions {
  /** Why, in up to 500 characters. */
  readonly note?: string | undefined;
}

export function createSchedules(http: Http) {
  const all = (project: string) => ['v1', 'projects', project, 'schedules'];
  const one = (project: string, name: string) => [...all(project), name];
  /** Newest first. */
  const list = (project: string, page: PageOptions = {}) =>
    http.request<Page<ScheduleView>>({ method: 'GET', path: all(project), query: { ...page } });
  const pause = (
    path: readonly string[],
    { idempotencyKey = newIdempotencyKey(), ...json }: PauseOptions = {},
  ) => http.request<ScheduleView>({ method: 'POST', path, json, idempotencyKey });
  return {
    list,
    /** All of a project, newest first. */
    all: (project: string) => walkPages((cursor) => list(project, { cursor })),
    get: (project: string, name: string) =>
      http.request<ScheduleView>({ method: 'GET', path: one(project, name) }),
    /** Once this resolves the schedule is kept; `isApplied` tells whether Temporal has it already. */
    create: (
      project: string,
      schedule: NewSchedule,
      { idempotencyKey = newIdempotencyKey() }: OnceOptions = {},
    ) => http.request<ScheduleView>({ method: 'POST', path: all(project), json: schedule, idempotencyKey }),
    change: (project: string, name: string, change: ScheduleChange) =>
      http.request<ScheduleView>({ method: 'PATCH', path: one(project, name), json: change }),
    /** Its runs stay. */
    remove: (project: string, name: string) =>
      http.request<void>({ method: 'DELETE', path: one(project, name) }),
    pause: (project: string, name: string, options?: PauseOptions) =>
      pause([...one(project, name), 'pause'], options),
    unpause: (project: string, name: string, options?: PauseOptions) =>
      pause([...one(project, name), 'unpause'], options),
    /** Its next time makes no run. */
    skip: (project: string, name: string, options?: PauseOptions) =>
      pause([...one(project, name), 'skip'], options),
    /** Runs what it runs, now, beside its own times. */
    trigger: (project: string, name: string, { idempotencyKey = newIdempotencyKey() }: OnceOptions = {}) =>
      http.request<GraphRunView>({
        method: 'POST',
        path: [...one(project, name), 'trigger'],
        json: {},
        idempotencyKey,
      }),
    /** The next times at which it fires, paused or not. */
    preview: (project: string, name: string, { count }: { readonly count?: number | undefined } = {}) =>
      http.request<SchedulePreview>({
        method: 'GET',
        path: [...one(project, name), 'preview'],
        query: { count },
      }),
    /** What it would do in the days to come; 400 of them unless told. */
    simulate: (project: string, name: string, { days }: { readonly days?: number | undefined } = {}) =>
      http.request<ScheduleSimulation>({
        method: 'GET',
        path: [...one(project, name), 'simulation'],
        query: { days },
      }),
  };
}
