import type { EventPage } from '../graph/resources.ts';
import type { Http } from './http.ts';

export interface EventFilter {
  readonly project?: string | undefined;
  /** The id of a graph run. */
  readonly graphRun?: string | undefined;
}

export interface EventPageOptions extends EventFilter {
  /** The last number that was read: 0, unless told, begins with the oldest that is kept, `latest` with what comes now. */
  readonly after?: number | 'latest' | undefined;
  /** 1 to 500; 50 unless told. */
  readonly limit?: number | undefined;
}

export function createEvents(http: Http) {
  const path = ['v1', 'events'];
  return {
    /**
     * What happened, oldest first. Asking again with `after` set to `readTo` shows every event once. Rejects with
     * `EVENTS_EXPIRED` where events are missing in between; `data.oldest` of the error is the first that is kept.
     */
    list: (options: EventPageOptions = {}) =>
      http.request<EventPage>({ method: 'GET', path, query: { ...options } }),
  };
}
