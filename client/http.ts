import type { ProblemView } from '../graph/resources.ts';
import { GraphrunError, ServerUnreachable } from './errors.ts';
import { repeatWhileAway } from './idempotency.ts';

export interface ClientSettings {
  /** Of the server, for example `http://127.0.0.1:4400`. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** Node's own unless told. */
  readonly fetch?: typeof fetch | undefined;
  /** For a request without a stream; 30 s unless told. */
  readonly timeoutMs?: number | undefined;
}

/** What fetch sends. */
export type RequestBody = NonNullable<RequestInit['body']>;

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Its parts, each of which is encoded. */
  readonly path: readonly string[];
  readonly query?: Query | undefined;
  readonly json?: unknown;
  /** In place of `json`: sent as it is. There is no time-out then. */
  readonly body?: RequestBody | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Makes it safe to send again: that is done where the server is away for a moment. */
  readonly idempotencyKey?: string | undefined;
  /** Statuses that are answers beside 2xx. */
  readonly alsoAnswers?: readonly number[];
}

export interface Http {
  /** @throws GraphrunError, ServerUnreachable */
  request<Answer>(request: HttpRequest): Promise<Answer>;
}

const timeoutMsDefault = 30_000;

export function createHttp(settings: ClientSettings): Http {
  const base = settings.url.replace(/\/+$/, '');
  const fetchIt = settings.fetch ?? fetch;

  async function request<Answer>(wanted: HttpRequest): Promise<Answer> {
    const url = `${base}/${wanted.path.map(encodeURIComponent).join('/')}${queryText(wanted.query)}`;
    const send = () => exchange(url, wanted);
    const answered = await (wanted.idempotencyKey === undefined ? send() : repeatWhileAway(send));
    const { status, ok, headers, text } = answered;
    const mediaType = headers.get('content-type')?.split(';', 1)[0] ?? '';
    if (!ok && mediaType === 'application/problem+json') throw new GraphrunError(parse<ProblemView>(text));
    if (!ok && !wanted.alsoAnswers?.includes(status)) {
      throw new ServerUnreachable(base, `what answers there (status ${status}) is not a Graphrun server`);
    }
    // The server checks its replies against the same schemas that the types come from.
    return (status === 204 ? undefined : parse<Answer>(text)) as Answer;
  }

  async function exchange(url: string, wanted: HttpRequest) {
    try {
      const response = await fetchIt(url, toInit(wanted, settings));
      const { status, ok, headers } = response;
      return { status, ok, headers, text: await response.text() };
    } catch (error) {
      throw new ServerUnreachable(base, reasonOf(error), error);
    }
  }

  function parse<Answer>(text: string): Answer {
    try {
      return JSON.parse(text) as Answer;
    } catch (error) {
      throw new ServerUnreachable(
        base,
        'what answers there sends no JSON; it is not a Graphrun server',
        error,
      );
    }
  }

  return { request };
}

function toInit(wanted: HttpRequest, settings: ClientSettings): RequestInit {
  const isStream = wanted.body !== undefined;
  return {
    method: wanted.method,
    headers: {
      accept: 'application/json',
      ...(wanted.json !== undefined && { 'content-type': 'application/json' }),
      ...(settings.apiKey !== undefined && { authorization: `Bearer ${settings.apiKey}` }),
      ...(wanted.idempotencyKey !== undefined && { 'idempotency-key': wanted.idempotencyKey }),
      ...wanted.headers,
    },
    ...(wanted.json !== undefined && { body: JSON.stringify(wanted.json) }),
    ...(isStream && { body: wanted.body, duplex: 'half' }),
    ...(!isStream && { signal: AbortSignal.timeout(settings.timeoutMs ?? timeoutMsDefault) }),
  };
}

function queryText(query: Query = {}): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) text.set(name, String(value));
  return text.size === 0 ? '' : `?${text}`;
}

/** fetch says only "fetch failed"; what people need to know is in its causes. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer came in time';
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}
