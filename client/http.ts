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
  /**
   * Opens a text/event-stream. The time-out is for its beginning; the signal ends it at any time.
   * @throws GraphrunError, ServerUnreachable
   */
  stream(request: HttpRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

type Answered = Pick<Response, 'status' | 'ok' | 'headers'>;

const timeoutMsDefault = 30_000;

export function createHttp(settings: ClientSettings): Http {
  const base = settings.url.replace(/\/+$/, '');
  const fetchIt = settings.fetch ?? fetch;
  const timeoutMs = settings.timeoutMs ?? timeoutMsDefault;

  async function request<Answer>(wanted: HttpRequest): Promise<Answer> {
    const send = () =>
      reach(async () => {
        const response = await fetchIt(urlOf(wanted), toInit(wanted, settings));
        const { status, ok, headers } = response;
        return { status, ok, headers, text: await response.text() };
      });
    const answered = await (wanted.idempotencyKey === undefined ? send() : repeatWhileAway(send));
    const { status, ok, text } = answered;
    const isAnswer = ok || (wanted.alsoAnswers?.includes(status) && !isProblem(answered));
    if (!isAnswer) throw refusal(answered, text);
    // The server checks its replies against the same schemas that the types come from.
    return (status === 204 ? undefined : parse<Answer>(text)) as Answer;
  }

  async function stream(wanted: HttpRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new DOMException('', 'TimeoutError')), timeoutMs);
    try {
      const init = { ...toInit(wanted, settings), signal: AbortSignal.any([signal, late.signal]) };
      const response = await reach(() => fetchIt(urlOf(wanted), init));
      if (response.ok && response.body && mediaTypeOf(response) === 'text/event-stream') return response.body;
      throw refusal(response, await reach(() => response.text()));
    } finally {
      clearTimeout(timer);
    }
  }

  function urlOf({ path, query }: HttpRequest): string {
    return `${base}/${path.map(encodeURIComponent).join('/')}${queryText(query)}`;
  }

  async function reach<Reached>(work: () => Promise<Reached>): Promise<Reached> {
    try {
      return await work();
    } catch (error) {
      throw new ServerUnreachable(base, reasonOf(error), error);
    }
  }

  function refusal(response: Answered, text: string): GraphrunError | ServerUnreachable {
    if (isProblem(response)) return new GraphrunError(parse<ProblemView>(text));
    const reason = `what answers there (status ${response.status}) is not a Graphrun server`;
    return new ServerUnreachable(base, reason);
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

  return { request, stream };
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

function mediaTypeOf({ headers }: Answered): string {
  return headers.get('content-type')?.split(';', 1)[0] ?? '';
}

function isProblem(response: Answered): boolean {
  return !response.ok && mediaTypeOf(response) === 'application/problem+json';
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
