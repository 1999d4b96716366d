import type { JobRunDetail, JobRunView, JobView, Page } from '../graph/resources.ts';
import type { Http } from './http.ts';
import { newIdempotencyKey, type OnceOptions } from './idempotency.ts';
import { type PageOptions, walkPages } from './pages.ts';

export interface JobRunOptions extends OnceOptions {
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

export function createJobs(http: Http) {
  const path = (project: string) => ['v1', 'projects', project, 'jobs'];
  /** Newest first. */
  const runs = (project: string, job: string, page: PageOptions = {}) =>
    http.request<Page<JobRunView>>({
      method: 'GET',
      path: [...path(project), job, 'runs'],
      query: { ...page },
    });
  return {
    /** Jobs of the current graph in topological order. */
    list: async (project: string) =>
      (await http.request<Page<JobView>>({ method: 'GET', path: path(project) })).items,
    get: (project: string, job: string) =>
      http.request<JobView>({ method: 'GET', path: [...path(project), job] }),
    /** Runs one job alone. Once this resolves, the run is stored and will be carried out. */
    run: (
      project: string,
      job: string,
      { params = {}, idempotencyKey = newIdempotencyKey() }: JobRunOptions = {},
    ) =>
      http.request<JobRunDetail>({
        method: 'POST',
        path: [...path(project), job, 'runs'],
        json: { params },
        idempotencyKey,
      }),
    runs,
    /** All of them, newest first. */
    allRuns: (project: string, job: string) => walkPages((cursor) => runs(project, job, { cursor })),
  };
}
