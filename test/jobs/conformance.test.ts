// What every kind of the registry keeps to, tried on one fixture of each.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CodedError } from '../../graph/errors.ts';
import type { AnyJobKind, JobContext } from '../../jobs/define-job-kind.ts';
import { builtInKinds, createKinds } from '../../jobs/index.ts';
import { createWarehouse, type Warehouse } from '../../warehouse/warehouse.ts';
import { useDatabases } from '../support/databases.ts';
import { query, stagingTables, untilRunning } from '../warehouse/sql.ts';
import { contextOf, type Files, nextToken, openTestAttempt, runJob } from './attempts.ts';

interface KindFixture {
  /** Writes three rows of one column `n` as the dataset of the job, from `files` or the dataset `source`. */
  readonly valid: Record<string, unknown>;
  readonly files?: Files;
  /** Configs with one slip each. */
  readonly slips: readonly Record<string, unknown>[];
  /** Accepted on save, and fails for a reason that the user mends. */
  readonly failing: {
    readonly config: Record<string, unknown>;
    readonly files?: Files;
    readonly code: string;
  };
  /** Goes on for a minute; `started` resolves once it does. */
  readonly slow: {
    readonly config: Record<string, unknown>;
    readonly context?: (ctx: JobContext) => JobContext;
    started(url: string): Promise<void>;
  };
  /** Configs that try to read the table `other.secret` and `graphrun.fence`. */
  readonly prying?: readonly Record<string, unknown>[];
}

const fixtures: Readonly<Record<string, KindFixture>> = {
  upload: {
    valid: { file: 'numbers.csv' },
    files: { 'numbers.csv': 'n\n1\n2\n3\n' },
    slips: [
      {},
      { file: '../numbers.csv' },
      { fiel: 'numbers.csv' },
      { file: 'a', columns: { n: 'int9' } },
      { file: 'a', delimiter: '""' },
    ],
    failing: { config: { file: 'broken.csv' }, files: { 'broken.csv': 'n\n1\n"2\n' }, code: 'CSV_INVALID' },
    slow: {
      config: { file: 'stalled.csv' },
      context: (ctx) => ({
        ...ctx,
        files: { open: async (name) => ({ name, bytes: 1e9, sha256: '', read: stalled }) },
      }),
      started: (url) => untilRunning(url, 'copy '),
    },
  },
  transform: {
    valid: { sql: `select n from {{ ref('source') }}` },
    slips: [
      {},
      { sql: ' \n' },
      { sql: `select {{ ref('A') }}` },
      { sql: 'select {{ x }}' },
      { sql: 'select 1', sqk: 1 },
    ],
    failing: { config: { sql: 'select 1 / (n - 3) as n from {{ ref("source") }}' }, code: 'SQL_INVALID' },
    slow: {
      config: { sql: 'select 1 as n from pg_sleep(63)' },
      started: (url) => untilRunning(url, 'pg_sleep(63)'),
    },
    prying: [{ sql: 'select * from other.secret' }, { sql: 'select * from graphrun.fence' }],
  },
};

/** Some rows, and then nothing more for as long as anyone waits. */
function stalled(): Readable {
  const file = new Readable({ read() {} });
  file.push(`n\n${'1\n'.repeat(100_000)}`);
  return file;
}

const databases = await useDatabases();
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = createWarehouse({ url: databases.warehouseUrl, poolSize: 8 });
  await warehouse.prepare();
  for (const [project, dataset] of [
    ['flights', 'source'],
    ['other', 'secret'],
  ] as const) {
    const attempt = await openTestAttempt(warehouse, { project });
    await (await attempt.warehouse.stage(dataset)).createAs('select * from generate_series(1, 3) as n');
    await attempt.publish(null);
    await attempt.discard();
  }
});
afterAll(() => warehouse.close());

const sql = (text: string) => query(databases.warehouseUrl, text);

/** A table of one row, as an earlier run has left it. */
async function publishOld(dataset: string): Promise<void> {
  const attempt = await openTestAttempt(warehouse);
  await (await attempt.warehouse.stage(dataset)).createAs('select 0::bigint as n');
  await attempt.publish(null);
  await attempt.discard();
}

describe.each(builtInKinds.map((kind) => [kind.kind, kind] as const))('%s', (name, kind: AnyJobKind) => {
  const fixture = fixtures[name];
  if (!fixture) throw new Error(`the kind "${name}" has no fixture in this file`);
  const { valid, files = {}, slips, failing, slow, prying = [] } = fixture;
  const job = `${name}_result`;

  it('publishes the datasets that it declares, with an output of its schema', async () => {
    const config = kind.config.parse(valid);
    const datasets = kind.outputs(config, job);
    const output = await runJob(warehouse, { kind, config: valid, files, job });
    expect(kind.output.safeParse(output).success).toBe(true);
    expect(output).toMatchObject({ rows: 3 });
    for (const dataset of datasets)
      expect(await sql(`select count(*)::int from flights.${dataset}`)).toEqual([[3]]);
    expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
  });

  it.each(slips.map((slip) => [JSON.stringify(slip), slip] as const))('refuses the config %s', (_, slip) => {
    expect(kind.config.safeParse(slip).success).toBe(false);
    expect(kind.config.safeParse(valid).success).toBe(true);
  });

  it('leaves the old table as it was, and nothing staged, when it fails', async () => {
    await publishOld(job);
    const failed = runJob(warehouse, { kind, config: failing.config, files: failing.files ?? {}, job });
    await expect(failed).rejects.toMatchObject({ code: failing.code, status: 422 });
    expect(await sql(`select n from flights.${job}`)).toEqual([['0']]);
    expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
  });

  it('does not run again once it has published in an epoch', async () => {
    const jobRunId = randomUUID();
    const first = await runJob(warehouse, { kind, config: valid, files, job, jobRunId });
    const run = vi.fn(kind.run);
    const again = { kind: { ...kind, run }, config: valid, files, job, jobRunId };
    expect(await runJob(warehouse, again)).toEqual(first);
    expect(run).not.toHaveBeenCalled();
    await runJob(warehouse, { ...again, epoch: 2 });
    expect(run).toHaveBeenCalledOnce();
  });

  it('cannot publish once a newer attempt has begun', async () => {
    await publishOld(job);
    const jobRunId = randomUUID();
    const test = { kind, config: valid, files, job, jobRunId };
    const attempt = await openTestAttempt(warehouse, test);
    const output = await kind.run(contextOf(attempt, test), kind.config.parse(valid));
    await warehouse.shutOut([{ project: 'flights', jobRunId, epoch: 1, token: nextToken() }]);
    await expect(attempt.publish(output)).rejects.toMatchObject({ code: 'SUPERSEDED' });
    await attempt.discard();
    expect(await sql(`select n from flights.${job}`)).toEqual([['0']]);
  });

  it('stops within two seconds of a cancel with its reason, and leaves nothing', async () => {
    await publishOld(job);
    const cancel = new AbortController();
    const test = { kind, config: slow.config, job, signal: cancel.signal };
    const attempt = await openTestAttempt(warehouse, test);
    const context = contextOf(attempt, test);
    const config = kind.config.parse(slow.config);
    const outcome = kind.run(slow.context?.(context) ?? context, config).catch((error: unknown) => error);
    await slow.started(databases.warehouseUrl);
    const cancelledAt = performance.now();
    const reason = new Error('cancelled by Ann');
    cancel.abort(reason);
    expect(await outcome).toBe(reason);
    expect(performance.now() - cancelledAt).toBeLessThan(2_000);
    await attempt.discard();
    expect(await sql(`select n from flights.${job}`)).toEqual([['0']]);
    expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
    const left = `select from pg_stat_activity where datname = current_database() and usename like '%.flights'`;
    await vi.waitFor(async () => expect(await sql(left)).toEqual([]));
  });

  it('ends within two seconds when a newer attempt begins, with an error that is not final', async () => {
    const test = { kind, config: slow.config, job, jobRunId: randomUUID() };
    const attempt = await openTestAttempt(warehouse, test);
    const context = contextOf(attempt, test);
    const config = kind.config.parse(slow.config);
    const outcome = kind.run(slow.context?.(context) ?? context, config).catch((error: unknown) => error);
    await slow.started(databases.warehouseUrl);
    const replacedAt = performance.now();
    const newer = await openTestAttempt(warehouse, test);
    expect(await outcome).toMatchObject({ code: 'WAREHOUSE_UNAVAILABLE', status: 503 });
    expect(performance.now() - replacedAt).toBeLessThan(2_000);
    await attempt.discard();
    await newer.discard();
    expect(await stagingTables(databases.warehouseUrl)).toEqual([]);
  });

  it('shows a reader the old table or the new one, and never an error', async () => {
    await publishOld(job);
    const counts = new Set<unknown>();
    let isDone = false;
    const reader = (async () => {
      while (!isDone) counts.add((await sql(`select count(*)::int from flights.${job}`))[0]?.[0]);
    })();
    for (let run = 0; run < 5; run += 1) {
      await runJob(warehouse, { kind, config: valid, files, job });
      await publishOld(job);
    }
    isDone = true;
    await reader;
    for (const count of counts) expect([1, 3]).toContain(count);
    expect(counts.size).toBeGreaterThan(0);
  });

  it('reaches neither the tables of another project nor those of the platform', async () => {
    for (const config of prying) {
      const refused = runJob(warehouse, { kind, config, job });
      await expect(refused).rejects.toMatchObject({ code: 'SQL_INVALID', data: { sqlstate: '42501' } });
    }
  });
});

it('refuses two kinds of one name', () => {
  const [first] = builtInKinds;
  if (!first) throw new Error('no kinds');
  expect(() => createKinds([first])).toThrow(CodedError);
  expect([...createKinds([{ ...first, kind: 'own' }]).keys()]).toEqual(['upload', 'transform', 'own']);
});
