// A Postgres that answers, and refuses what it is asked for.
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { until } from '../../support/until.ts';
import type { FaultStack } from './fault-stack.ts';
import { atLeast, endBackends } from './outage.ts';

const pollMs = 20;

/** For so long, and until `work` has ended, the server takes writes from nobody. */
export async function whileReadOnly(
  stack: FaultStack,
  forMs: number,
  work: () => Promise<void>,
): Promise<void> {
  const setReadOnly = async (to: 'on' | 'off') => {
    await stack.sql(`ALTER SYSTEM SET default_transaction_read_only = ${to}`);
    await stack.sql('SELECT pg_reload_conf()');
    await until(async () => {
      const [row] = await stack.sql<{ is: string }>(
        `SELECT current_setting('default_transaction_read_only') AS is`,
      );
      return row?.is === to || undefined;
    }, `default_transaction_read_only is ${to}`);
    await endBackends(stack);
  };
  await setReadOnly('on');
  try {
    await atLeast(forMs, work);
  } finally {
    await setReadOnly('off');
  }
}

/** What is written at the beginning and the end of every attempt. */
const writtenTables = {
  metadata: ['attempt', 'job_run', 'graph_run', 'event'],
  warehouse: ['graphrun.fence', 'graphrun.published'],
} as const;

/** For so long, and until `work` has ended, our writes get the error of a full disk. */
export async function whileDiskIsFull(
  stack: FaultStack,
  forMs: number,
  work: () => Promise<void>,
): Promise<void> {
  const sides = [
    { sql: stack.sql, tables: writtenTables.metadata },
    { sql: stack.warehouseSql, tables: writtenTables.warehouse },
  ];
  for (const { sql, tables } of sides) {
    await sql(
      `CREATE OR REPLACE FUNCTION public.disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`,
    );
    for (const table of tables)
      await sql(
        `CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON ${table} EXECUTE FUNCTION public.disk_full()`,
      );
  }
  try {
    await atLeast(forMs, work);
  } finally {
    for (const { sql } of sides) await sql('DROP FUNCTION public.disk_full() CASCADE');
  }
}

/** For so long, and until `work` has ended, others have every connection that the server gives. */
export async function whileFull(stack: FaultStack, forMs: number, work: () => Promise<void>): Promise<void> {
  const taken: pg.Client[] = [];
  let isTaking = true;
  const take = async (): Promise<void> => {
    for (; isTaking; await pause(pollMs)) {
      const client = new pg.Client({ connectionString: stack.databaseUrl });
      client.on('error', () => {});
      await client.connect().then(
        () => taken.push(client),
        () => {},
      );
    }
  };
  const taking = Array.from({ length: 10 }, take);
  try {
    await until(() => endOurs(taken[0]), 'all connections are taken');
    await atLeast(forMs, work);
  } finally {
    isTaking = false;
    await Promise.all(taking);
    await Promise.all(taken.map((client) => client.end()));
  }
}

/** Ends our connections; true once there are none, and others have taken all. */
async function endOurs(client: pg.Client | undefined): Promise<true | undefined> {
  const found = await client?.query<{ ours: number; is_full: boolean }>(
    `SELECT count(pg_terminate_backend(pid, 1000)) FILTER (WHERE application_name <> '')::int AS ours,
       count(*) >= current_setting('max_connections')::int AS is_full
     FROM pg_stat_activity WHERE backend_type = 'client backend'`,
  );
  const [now] = found?.rows ?? [];
  return (now?.is_full && now.ours === 0) || undefined;
}
