// A server that is away for a while, and what the API says meanwhile.
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '../../support/until.ts';
import type { FaultProcess } from './fault-process.ts';
import type { FaultStack } from './fault-stack.ts';

/** An outage that nobody repairs at once. */
const outageMs = 20_000;
const pollMs = 100;
/** Work that writes the warehouse begins three times in an attempt, so it needs a moment in between. */
const endEveryMs = 500;

/** Kills a server and starts it again once it has been away so long. `meanwhile` goes on while it is away. */
export async function whileDown(
  server: FaultProcess,
  meanwhile: () => Promise<void> = async () => {},
  forMs = outageMs,
): Promise<void> {
  await server.kill();
  await atLeast(forMs, meanwhile);
  await server.start();
}

/** The same for a server that keeps its connections and says nothing. */
export async function whileSilent(server: FaultProcess, meanwhile: () => Promise<void>): Promise<void> {
  server.freeze();
  await atLeast(outageMs, meanwhile);
  server.thaw();
}

/** Does something, and waits until so much time has passed since it began. */
export async function atLeast(ms: number, work: () => Promise<void>): Promise<void> {
  const begun = performance.now();
  await work();
  const isOver = () => performance.now() - begun >= ms || undefined;
  await until(isOver, 'it has lasted long enough', ms + 1_000);
}

/** A request as any client could send it, without repeats. */
export async function ask(
  { apiUrl, apiKey }: FaultStack,
  path: string,
  init: RequestInit = {},
): Promise<{ readonly status: number; readonly retryAfter: string | null; readonly body: unknown }> {
  const response = await fetch(`${apiUrl}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${apiKey}`, ...init.headers },
  });
  const body: unknown = await response.json();
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

/** Triggers a run under an Idempotency-Key, without repeats. */
export function trigger(stack: FaultStack, project: string, key: string) {
  return ask(stack, `/v1/projects/${project}/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: '{}',
  });
}

/** While the metadata database is away: the API says so, and to come back later. */
export async function expectStoreAway(stack: FaultStack, graphRunId: string): Promise<void> {
  const paths = [`/v1/graph-runs/${graphRunId}`, '/v1/projects', '/v1/events'];
  for (const answer of await Promise.all(paths.map((path) => ask(stack, path)))) {
    expect(answer).toMatchObject({
      status: 503,
      retryAfter: expect.stringMatching(/^\d+$/),
      body: { code: 'STORE_UNAVAILABLE' },
    });
  }
  expect(await ask(stack, '/health/ready')).toMatchObject({
    status: 503,
    body: { ready: false, checks: { database: 'down', temporal: 'up' } },
  });
  expect((await ask(stack, '/health/live')).status).toBe(200);
}

/** Asks again and again until `work` has ended. Resolves with each status that came. */
export async function statusesWhile(
  stack: FaultStack,
  path: string,
  work: () => Promise<void>,
): Promise<Set<number>> {
  const statuses = new Set<number>();
  let hasEnded = false;
  const asking = (async () => {
    for (; !hasEnded; await pause(pollMs)) statuses.add((await ask(stack, path)).status);
  })();
  try {
    await work();
  } finally {
    hasEnded = true;
    await asking;
  }
  return statuses;
}

/**
 * Ends all connections of ours to both databases, as a failover does: once, or each half a second for so long.
 * Resolves with how many.
 */
export async function endBackends(stack: FaultStack, forMs = 0): Promise<number> {
  const until = performance.now() + forMs;
  for (let ended = 0; ; await pause(endEveryMs)) {
    const found = await stack.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    ended += found.length;
    if (performance.now() >= until) return ended;
  }
}
