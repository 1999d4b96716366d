// What all event streams of this process share: one look at the feed at a time, however many listen.
import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { CodedError } from '../graph/errors.ts';
import type { EventPage, EventView } from '../graph/resources.ts';
import type { EventFilter, Events } from '../store/event-feed.ts';

export interface EventTail {
  /**
   * What comes after a number, page by page, until the signal aborts or the feed cannot be followed any more. The next page
   * is read when it is asked for, so whoever reads slowly makes nothing grow.
   */
  follow(after: number, filter: EventFilter, signal: AbortSignal): AsyncGenerator<EventPage>;
}

export interface EventTailOptions {
  readonly events: Events;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
}

/** Also the longest page. */
const keptMax = 200;

/**
 * While anybody listens, the feed's end is looked at four times a second. A NOTIFY would tell sooner, but every commit that
 * carries one takes the lock of the whole server's queue, on the hot path of all workers, for 125 ms of a reader's time.
 */
const everyMsDefault = 250;

export function createEventTail(options: EventTailOptions): EventTail {
  const { events, onError, everyMs = everyMsDefault } = options;
  const moves = new EventEmitter().setMaxListeners(0);
  // Whoever is not waiting at the moment meets the next one.
  moves.on('error', () => {});
  const end = createFeedEnd(() => moves.emit('moved'));
  let followers = 0;
  let isLooking = false;

  async function look(): Promise<void> {
    if (end.head === null) end.move(await events.list({ after: 'latest', limit: 1 }));
    for (let isFull = true; isFull; ) {
      const page = await events.list({ after: end.head ?? 'latest', limit: keptMax });
      end.move(page);
      isFull = page.nextCursor !== null;
    }
  }

  async function lookOn(): Promise<void> {
    while (followers > 0) {
      await look().catch((error: unknown) => {
        if (followers > 0) onError(error);
        if (error instanceof CodedError && error.code === 'STORE_UNAVAILABLE') return;
        // The feed is another one than before, such as after a restore: all streams end, and who comes again is told.
        end.forget();
        moves.emit('error', error);
      });
      await pause(everyMs, undefined, { ref: false });
    }
    isLooking = false;
    end.forget();
  }

  return {
    async *follow(after, filter, signal) {
      followers += 1;
      try {
        if (!isLooking) {
          isLooking = true;
          void lookOn();
        }
        for (let from = after; !signal.aborted; ) {
          const page =
            end.after(from, filter) ?? (await events.list({ after: from, limit: keptMax, ...filter }));
          if (page.readTo > from) yield page;
          from = page.readTo;
          const isLast = page.nextCursor === null;
          while (isLast && (end.head === null || end.head <= from)) await once(moves, 'moved', { signal });
        }
      } finally {
        followers -= 1;
      }
    },
  };
}

/** The newest number that was seen, null before the first look, and the events up to it without gaps. */
function createFeedEnd(onMove: () => void) {
  let head: number | null = null;
  let recent: readonly EventView[] = [];
  return {
    get head() {
      return head;
    },
    move({ items, readTo }: EventPage): void {
      if (readTo === head) return;
      recent = [...recent, ...items].slice(-keptMax);
      head = readTo;
      onMove();
    },
    forget(): void {
      head = null;
      recent = [];
    },
    /** Undefined where not all that follows is kept here. */
    after(number: number, { project, graphRun }: EventFilter): EventPage | undefined {
      if (head === null || number > head || head - number > recent.length) return undefined;
      const items = recent
        .slice(recent.length - (head - number))
        .filter((event) => project === undefined || event.project === project)
        .filter((event) => graphRun === undefined || event.graphRunId === graphRun);
      return { items, nextCursor: null, readTo: head };
    },
  };
}
