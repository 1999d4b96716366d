import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { Column } from './attempt-warehouse.ts';
import { checkDataset, type ProjectNames, qualify, quote } from './names.ts';
import { inTransaction } from './platform.ts';
import { columnsOf } from './staging.ts';

export interface Preview {
  readonly columns: readonly Column[];
  /**
   * JSON values: booleans, and numbers of at most double precision, as such; everything else as Postgres writes it
   * (a bigint or numeric would lose digits), cut at 1,000 characters.
   */
  readonly rows: readonly (readonly unknown[])[];
}

const cellCharsMax = 1_000;
const statementTimeout = '10s';
const nativeTypes = new Set(['boolean', 'smallint', 'integer', 'real', 'double precision']);

/** @throws CodedError DATASET_UNKNOWN */
export async function previewDataset(
  pool: pg.Pool,
  names: ProjectNames,
  dataset: string,
  limit: number,
): Promise<Preview> {
  checkDataset(dataset);
  const table = qualify(names.schema, dataset);
  return inTransaction(pool, async (client) => {
    await client.query(`set local statement_timeout = '${statementTimeout}'; set local timezone = 'UTC'`);
    await client.query(`lock table ${table} in access share mode`).catch((error: unknown) => {
      throw isMissing(error) ? unknownDataset(names.project, dataset, error) : error;
    });
    const columns = await columnsOf(client, names.schema, dataset);
    const list = columns.map(({ name, type }) =>
      nativeTypes.has(type) ? quote(name) : `left(${quote(name)}::text, ${cellCharsMax})`,
    );
    const text = `select ${list.join(', ')} from ${table} limit $1`;
    const { rows } = await client.query<unknown[]>({ text, values: [limit], rowMode: 'array' });
    return { columns, rows: rows.map((row) => row.map(toJson)) };
  });
}

/** JSON has no NaN and no infinities. */
function toJson(value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '42P01' || error.code === '3F000');
}

function unknownDataset(project: string, dataset: string, cause: unknown): CodedError {
  const message = `project "${project}" has no dataset "${dataset}" in the warehouse; run the job that writes it`;
  return new CodedError('DATASET_UNKNOWN', message, { cause });
}
