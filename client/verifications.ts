import type { Verifications } from '../graph/inspections.ts';
import type { Http } from './http.ts';
import { type PageOptions, walkPages } from './pages.ts';

export interface VerificationFilter {
  readonly project?: string | undefined;
  /** ISO 8601: only runs that were created at or after this. */
  readonly since?: string | undefined;
}

export function createVerifications(http: Http) {
  /** Graph runs and jobs that were run alone, newest first, each compared with Temporal's history. At most 50 a page. */
  const list = (options: VerificationFilter & PageOptions = {}) =>
    http.request<Verifications>({ method: 'GET', path: ['v1', 'verifications'], query: { ...options } });
  return {
    list,
    /** All of them, newest first. */
    all: (filter: VerificationFilter = {}) => walkPages((cursor) => list({ ...filter, cursor })),
  };
}
