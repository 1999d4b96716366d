// The feed as text/event-stream.
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { EventPage } from '../graph/resources.ts';

export interface EventStreamOptions {
  /** The number after which it begins. */
  readonly after: number;
  /** What comes after it, page by page, until the signal aborts. */
  readonly follow: (signal: AbortSignal) => AsyncIterable<EventPage>;
  /** What ended it before its reader did. */
  readonly onError: (error: unknown) => void;
  readonly beatMs?: number;
  readonly takeWithinMs?: number;
}

export const eventStreamTimes = {
  /** A reader that hears nothing for longer may take the connection for lost. */
  beatMs: 15_000,
  /** A reader that has not taken a page by then is disconnected; it may come again, and goes on where it was. */
  takeWithinMs: 30_000,
  /** Before a reader comes again. */
  retryMs: 1_000,
} as const;

export interface EventStream {
  readonly body: Readable;
  /** For a server that stops: its reader comes again. */
  end(): void;
}

/**
 * Writes pages as they come, each only once the one before was taken: at most one page lies here for a slow reader. A beat
 * carries how far the feed was read, so that also a reader whose filter lets nothing through goes on from there.
 */
export function openEventStream(options: EventStreamOptions): EventStream {
  const { after, follow, onError } = options;
  const { beatMs = eventStreamTimes.beatMs, takeWithinMs = eventStreamTimes.takeWithinMs } = options;
  const body = new PassThrough();
  const gone = new AbortController();
  let readTo = after;
  const beat = setInterval(() => {
    if (!body.writableNeedDrain) body.write(`: still here\nid: ${readTo}\n\n`);
  }, beatMs);
  const stop = () => {
    clearInterval(beat);
    gone.abort();
  };
  body.once('close', stop);
  body.write(`retry: ${eventStreamTimes.retryMs}\nid: ${after}\n\n`);

  async function pump(): Promise<void> {
    for await (const page of follow(gone.signal)) {
      if (gone.signal.aborted) return;
      const isTaken = page.items.length === 0 || body.write(toText(page));
      readTo = page.readTo;
      if (isTaken) continue;
      await once(body, 'drain', {
        signal: AbortSignal.any([gone.signal, AbortSignal.timeout(takeWithinMs)]),
      });
    }
  }
  pump().catch((error: unknown) => {
    if (gone.signal.aborted) return;
    onError(error);
    body.destroy();
  });
  return {
    body,
    end: () => {
      stop();
      if (body.writableNeedDrain) body.destroy();
      else body.end();
    },
  };
}

function toText({ items }: EventPage): string {
  return items.map((event) => `id: ${event.number}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}
