import type { Page, ProjectView } from '../graph/resources.ts';
import type { Http } from './http.ts';
import { newIdempotencyKey, type OnceOptions } from './idempotency.ts';
import { type PageOptions, walkPages } from './pages.ts';

const path = ['v1', 'projects'] as const;

export function createProjects(http: Http) {
  /** Newest first. */
  const list = (page: PageOptions = {}) =>
    http.request<Page<ProjectView>>({ method: 'GET', path, query: { ...page } });
  return {
    list,
    /** All of them, newest first. */
    all: () => walkPages((cursor) => list({ cursor })),
    get: (project: string) => http.request<ProjectView>({ method: 'GET', path: [...path, project] }),
    create: (
      project: { readonly name: string; readonly timezone?: string | undefined },
      { idempotencyKey = newIdempotencyKey() }: OnceOptions = {},
    ) => http.request<ProjectView>({ method: 'POST', path, json: project, idempotencyKey }),
    update: (project: string, change: { readonly timezone: string }) =>
      http.request<ProjectView>({ method: 'PATCH', path: [...path, project], json: change }),
    /** Deletes it with its runs. */
    remove: (project: string) => http.request<void>({ method: 'DELETE', path: [...path, project] }),
  };
}
