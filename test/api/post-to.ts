import type { Api } from '../../api/dependencies.ts';
import type { Role } from '../../store/store.ts';

interface Sent {
  readonly key?: string;
  /** JSON, or the text of it. */
  readonly payload?: string | object;
  readonly role?: Role;
}

/** POSTs to an API. An answer is compared by `answer`: all that a repeat must have of it. */
export function postTo(app: Api, keys: Readonly<Record<Role, string>>) {
  return (url: string, sent: Sent = {}) => post(app, keys, url, sent);
}

async function post(
  app: Api,
  keys: Readonly<Record<Role, string>>,
  url: string,
  { key, payload, role = 'editor' }: Sent,
) {
  const headers = {
    authorization: `Bearer ${keys[role]}`,
    ...(key !== undefined && { 'idempotency-key': key }),
    ...(payload !== undefined && { 'content-type': 'application/json' }),
  };
  const {
    statusCode,
    headers: got,
    body,
  } = await app.inject({ method: 'POST', url, headers, ...(payload !== undefined && { payload }) });
  const { location, 'content-type': type, 'content-length': length } = got;
  const answer = { status: statusCode, location, type, length, body };
  return {
    answer,
    replayed: got['idempotency-replayed'] === 'true',
    headers: got,
    status: statusCode,
    code: codeOf(body),
  };
}

function codeOf(body: string): unknown {
  return JSON.parse(body).code;
}
