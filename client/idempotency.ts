import type { ServerUnreachable } from './errors.ts';

/** How a request that makes something is sent. */
export interface OnceOptions {
  /**
   * 1 to 255 visible ASCII characters; one of the client's own unless told. Within a day the server carries out requests
   * with one key once, and answers the others as it did the first. The client sends a request again by itself while the
   * server is away for a moment; give a key to be able to repeat it after that, or from another process.
   */
  readonly idempotencyKey?: string | undefined;
}

interface Response {
  readonly status: number;
  readonly headers: Headers;
}

/** How long to wait before each of the further tries, where the server does not say. */
const pausesMs = [250, 1_000];
/** The server may ask for longer; a caller should not have to wait for longer. */
const pauseMsMax = 5_000;
/** Gateways say the first and last of these for a server that is away. */
const awayStatuses = new Set([502, 503, 504]);

/** Random, also where a browser gives no `crypto.randomUUID`: on pages without TLS. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/** Sends a request that its key makes safe to repeat, again where the server is away for a moment. */
export async function repeatWhileAway<Sent extends Response>(send: () => Promise<Sent>): Promise<Sent> {
  for (const pauseMs of pausesMs) {
    const sent = await send().catch(passUnlessTimeOut);
    if (sent && !awayStatuses.has(sent.status)) return sent;
    const askedMs = Number(sent?.headers.get('retry-after') ?? 0) * 1_000;
    const waitMs = Math.min(pauseMsMax, Math.max(pauseMs, askedMs || 0));
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  return send();
}

/** A request that was waited for to its end has had all the time that its caller gave it. */
function passUnlessTimeOut(error: ServerUnreachable): undefined {
  if (error.cause instanceof Error && error.cause.name === 'TimeoutError') throw error;
}
