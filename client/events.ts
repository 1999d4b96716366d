import type { EventPage, EventView } from '../graph/resources.ts';
import { GraphrunError, isPassing } from './errors.ts';
import { readEventStream } from './event-stream.ts';
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

/** Where and how to follow the feed. */
export interface FollowOptions extends EventFilter {
  readonly after?: number | 'latest' | undefined;
  /** Ends the following: the iterator throws the signal's reason then. */
  readonly signal?: AbortSignal | undefined;
  /** How long a server that does not answer is asked again; a minute unless told. */
  readonly patienceMs?: number | undefined;
}

const patienceMsDefault = 60_000;
/** Three times as long as the server is silent at most. */
const silentMsMax = 45_000;
const pauseMs = 1_000;

export function createEvents(http: Http) {
  const path = ['v1', 'events'];
  return {
    /**
     * What happened, oldest first. Asking again with `after` set to `readTo` shows every event once. Rejects with
     * `EVENTS_EXPIRED` where events are missing in between; `data.oldest` of the error is the first that is kept.
     */
    list: (options: EventPageOptions = {}) =>
      http.request<EventPage>({ method: 'GET', path, query: { ...options } }),
    /**
     * What happens, as it happens, from a number on: every event once, also over broken connections and restarts of the
     * server. It ends only by `break`, by the signal, or by an error that would come again.
     */
    follow: (options: FollowOptions = {}) => follow(http, [...path, 'stream'], options),
  };
}

async function* follow(
  http: Http,
  path: readonly string[],
  options: FollowOptions,
): AsyncGenerator<EventView, void, undefined> {
  const { after = 0, signal, patienceMs = patienceMsDefault, ...filter } = options;
  const left = new AbortController();
  const ends = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  let from = after;
  let heardAt = performance.now();
  try {
    for (;;) {
      try {
        const stream = await http.stream({ method: 'GET', path, query: { after: from, ...filter } }, ends);
        for await (const { id, data } of readEventStream(stream, silentMsMax)) {
          if (id !== undefined) from = Number(id);
          if (data !== undefined) yield JSON.parse(data) as EventView;
          heardAt = performance.now();
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (isLastWord(error) || performance.now() - heardAt > patienceMs) throw error;
      }
      await pause(pauseMs, ends);
      signal?.throwIfAborted();
    }
  } finally {
    left.abort();
  }
}

/** A connection that breaks is no word of the server. */
function isLastWord(error: unknown): boolean {
  return error instanceof GraphrunError && !isPassing(error);
}

/** Ends early when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
