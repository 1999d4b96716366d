import type { GraphDefinition } from '../graph/definition.ts';
import type { GraphChange, GraphVersionView, Page } from '../graph/resources.ts';
import type { Http } from './http.ts';
import { type PageOptions, walkPages } from './pages.ts';

export interface PushedGraph {
  readonly version: number;
  /** False when the definition equals the current one. */
  readonly isNew: boolean;
  readonly change: GraphChange;
}

export interface CurrentGraph {
  readonly version: number;
  readonly hash: string;
  readonly definition: GraphDefinition;
}

export function createGraphs(http: Http) {
  const path = (project: string) => ['v1', 'projects', project, 'graph'];
  /** Newest first. */
  const versions = (project: string, page: PageOptions = {}) =>
    http.request<Page<GraphVersionView>>({
      method: 'GET',
      path: [...path(project), 'versions'],
      query: { ...page },
    });
  return {
    /**
     * Makes a definition the current graph; with `dryRun` only tells what that would change. The server checks it, so
     * anything may be sent. A refusal (`GRAPH_INVALID`) lists all problems.
     */
    push: (project: string, definition: unknown, options: { readonly dryRun?: boolean | undefined } = {}) =>
      http.request<PushedGraph>({
        method: 'PUT',
        path: path(project),
        query: { dryRun: options.dryRun },
        json: definition,
      }),
    current: (project: string) => http.request<CurrentGraph>({ method: 'GET', path: path(project) }),
    versions,
    /** All of them, newest first. */
    allVersions: (project: string) => walkPages((cursor) => versions(project, { cursor })),
  };
}
