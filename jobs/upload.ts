import { z } from 'zod';
import { CodedError } from '../graph/errors.ts';
import { fileNamePattern } from '../graph/names.ts';
import type { Staging } from '../warehouse/attempt-warehouse.ts';
import {
  type ColumnType,
  columnTypes,
  convertColumns,
  expectedOf,
  findMisfits,
  inferTypes,
  type Misfits,
} from './csv/column-types.ts';
import { copyRows } from './csv/copy-rows.ts';
import { countBreaks, csvError, show } from './csv/csv-error.ts';
import { type CsvReader, openCsv } from './csv/read-csv.ts';
import { columnsSchema, datasetSchema } from './datasets.ts';
import { defineJobKind, type JobContext, type JobFile } from './define-job-kind.ts';

const config = z.strictObject({
  /** The name of a file that was uploaded to the project. */
  file: z.string().regex(fileNamePattern, 'expected the name of an uploaded file, such as airports.csv'),
  /** The dataset that it becomes; the job's key unless told. */
  dataset: datasetSchema.optional(),
  delimiter: z
    .string()
    .regex(/^[^"\r\n\0]$/u, 'expected one character, such as ";" or "\\t", and no quote')
    .optional(),
  /** Types of columns that are not to be inferred, by name. */
  columns: z.record(z.string().min(1), z.enum(columnTypes)).optional(),
});
type Config = z.infer<typeof config>;

const output = z.strictObject({
  rows: z.int(),
  columns: columnsSchema,
  bytes: z.int(),
  sha256: z.string(),
});

/** Loads a CSV file of the project into a table. */
export const upload = defineJobKind({
  kind: 'upload',
  config,
  output,
  writesWarehouse: true,
  inputs: () => [],
  files: ({ file }) => [file],
  outputs: ({ dataset }, jobKey) => [dataset ?? jobKey],

  async run(ctx, { file: name, dataset, delimiter, columns }) {
    const file = await ctx.files.open(name);
    if (!file) throw fileMissing(ctx.project, name);
    const { signal } = ctx;
    const onRead = (done: number) => ctx.progress({ done, total: file.bytes, unit: 'bytes' });
    const csv = await openCsv(file, { delimiter, signal, onRead });
    try {
      const wanted = wantedTypes(columns, csv.header);
      const staging = await ctx.warehouse.stage(dataset ?? ctx.job);
      const rows = await load(csv, staging);
      const misfits = await findMisfits(staging, wanted);
      if (misfits.length > 0) throw await explainMisfits(file, { delimiter, signal }, misfits);
      await setTypes(staging, csv.header, wanted);
      return { rows, columns: await staging.columns(), bytes: file.bytes, sha256: file.sha256 };
    } catch (error) {
      throw explainWidth(error, csv.header.length);
    } finally {
      csv.close();
    }
  },
});

/** Loads all columns as text. The rows are counted where they are read, by COPY and in the table. */
async function load(csv: CsvReader, staging: Staging): Promise<number> {
  await staging.create(csv.header.map((name) => ({ name, type: 'text' })));
  const copy = copyRows(csv.rows());
  const copied = await staging.copyFrom(copy.stream, csv.header);
  const [table] = await staging.query<{ rows: string }>(`select count(*) as rows from ${staging.table}`);
  const counts = { read: copy.count(), copied, found: Number(table?.rows) };
  if (counts.read !== counts.copied || counts.copied !== counts.found) {
    throw new Error(
      `rows were lost: ${counts.read} read, ${counts.copied} copied, ${counts.found} in the table`,
    );
  }
  return counts.found;
}

async function setTypes(
  staging: Staging,
  header: readonly string[],
  wanted: ReadonlyMap<string, ColumnType>,
): Promise<void> {
  const free = header.filter((name) => !wanted.has(name));
  const inferred = await inferTypes(staging, free);
  const found = free.map((name, index) => [name, inferred[index] ?? 'text'] as const);
  try {
    await convertColumns(staging, new Map([...wanted, ...found]));
  } catch (error) {
    // Hundreds of numbers need more room than their short texts, which are no reason to refuse the file.
    if (!isTooWide(error)) throw error;
    await convertColumns(staging, wanted);
  }
}

function wantedTypes(columns: Config['columns'] = {}, header: readonly string[]): Map<string, ColumnType> {
  const wanted = new Map(Object.entries(columns));
  for (const name of wanted.keys()) {
    if (header.includes(name)) continue;
    const names = header.slice(0, 20).map(show).join(', ');
    throw csvError(
      { line: 1 },
      `the config names a column ${show(name)} that the header does not have; it has ${names}`,
    );
  }
  return wanted;
}

/** The table does not know lines, so the file is read once more, up to the first record with such a value. */
async function explainMisfits(
  file: JobFile,
  options: Pick<JobContext, 'signal'> & { readonly delimiter: string | undefined },
  misfits: readonly Misfits[],
): Promise<Error> {
  const csv = await openCsv(file, options);
  const sought = misfits.map((misfit) => ({ ...misfit, index: csv.header.indexOf(misfit.column) }));
  let line = 1 + linesOf(csv.header);
  for await (const row of csv.rows()) {
    for (const { index, column: name, type, values } of sought) {
      const value = row[index];
      if (typeof value !== 'string' || !values.has(value)) continue;
      csv.close();
      const message = `${show(value)} is not of type ${type}; expected ${expectedOf[type]}`;
      return csvError({ line, column: index + 1, name }, message);
    }
    line += linesOf(row);
  }
  return new Error(`"${file.name}" no longer holds what was loaded from it`);
}

function linesOf(row: readonly (string | null)[]): number {
  return row.reduce((lines, value) => lines + countBreaks(value ?? ''), 1);
}

function isTooWide(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === '54000';
}

/** Postgres keeps a row on one page of 8 kB; long texts are moved out of it, but not endlessly many columns. */
function explainWidth(error: unknown, columns: number): unknown {
  if (!isTooWide(error)) return error;
  const message = `a row with ${columns} columns does not fit into a table: ${error.message}; leave columns out or join them`;
  return new CodedError('CSV_INVALID', message, { cause: error });
}

function fileMissing(project: string, name: string): CodedError {
  const route = `PUT /v1/projects/${project}/files/${encodeURIComponent(name)}`;
  return new CodedError(
    'FILE_MISSING',
    `the file "${name}" was not uploaded; upload it with "graphrun push" or ${route}`,
  );
}
