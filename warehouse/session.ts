import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { connectTimeoutMs } from './platform.ts';
import { orConnectionLost } from './unavailable.ts';

export interface SessionOptions {
  /** The warehouse under the project's role. */
  readonly url: string;
  /** The warehouse under the platform's role, to end the session with. */
  readonly platformUrl: string;
  readonly applicationName: string;
  readonly signal: AbortSignal;
}

/** With the setting, a backslash in a text is one, whatever the server is set to: by that values are placed in SQL. */
const onOpen = `select pg_catalog.pg_backend_pid() as pid, pg_catalog.set_config('standard_conforming_strings', 'on', false)`;

/** Longer than this nobody waits for a second connection to end the first. */
const killTimeoutMs = 900;

/**
 * One connection under a project's role, for one attempt. When the signal aborts, the server ends what runs on it, and
 * the signal's reason is thrown.
 */
export class Session {
  readonly #client: pg.Client;
  readonly #options: SessionOptions;
  readonly #onAbort = () => void this.#kill();
  #pid = 0;

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.#client = new pg.Client({
      connectionString: options.url,
      application_name: options.applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    // The statement that runs then is told as well; without a listener the event would end the process.
    this.#client.on('error', () => {});
  }

  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    options.signal.throwIfAborted();
    options.signal.addEventListener('abort', session.#onAbort, { once: true });
    try {
      await orConnectionLost(() => session.#client.connect());
      const { rows } = await session.run<{ pid: number }>(onOpen);
      session.#pid = rows[0]?.pid ?? 0;
      return session;
    } catch (error) {
      await session.close();
      options.signal.throwIfAborted();
      throw error;
    }
  }

  /** Runs one statement: the extended protocol refuses a second one in the same text. */
  run<Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<pg.QueryResult<Row>> {
    const query = { text, values: [...values], queryMode: 'extended' };
    return this.#guard(() => this.#client.query<Row>(query));
  }

  /** Runs a COPY FROM STDIN and resolves with the number of rows that the server counted. */
  copy(text: string, source: Readable): Promise<number> {
    return this.#guard(async () => {
      const copy = this.#client.query(copyFrom(text));
      // The pipeline waits for its source to end as well, which may be stuck; the server's word is enough.
      const refused = new Promise<never>((_, reject) => {
        copy.once('error', (error) => reject(source.errored ?? error));
      });
      await Promise.race([pipeline(source, copy), refused]);
      return copy.rowCount;
    });
  }

  /** May be called twice. Ends the connection, with whatever still runs on it. */
  async close(): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    await this.#client.end().catch(() => {});
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    try {
      return await orConnectionLost(work);
    } finally {
      signal.throwIfAborted();
    }
  }

  async #kill(): Promise<void> {
    if (this.#pid === 0) {
      // Still connecting, which `end` would wait for.
      this.#client.connection.stream.destroy();
      return;
    }
    const ended = terminateBackend(this.#options.platformUrl, this.#pid).catch(() => {});
    await Promise.race([ended, sleep(killTimeoutMs, undefined, { ref: false })]);
    await this.close();
  }
}

/** By a connection of its own: those of the pool may all be in use when it matters. */
async function terminateBackend(url: string, pid: number): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: killTimeoutMs,
    query_timeout: killTimeoutMs,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select pg_catalog.pg_terminate_backend($1)', [pid]);
  } finally {
    await client.end().catch(() => {});
  }
}
