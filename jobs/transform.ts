import { z } from 'zod';
import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import type { Reference } from '../graph/template.ts';
import { literalOf } from '../warehouse/literals.ts';
import { describePlace } from '../warehouse/sql-errors.ts';
import { columnsSchema, datasetSchema } from './datasets.ts';
import { defineJobKind, type JobContext } from './define-job-kind.ts';
import { parseSqlTemplate } from './sql-template.ts';

const sqlBytesMax = 256 * 1024;

const config = z.strictObject({
  /** One query; `{{ ref('x') }}` is the table of dataset x, `{{ params.x }}` a literal of that value of the run. */
  sql: z.string().superRefine((sql, check) => {
    for (const problem of problemsOf(sql)) check.addIssue(problem);
  }),
  /** The dataset that it writes; the job's key unless told. */
  dataset: datasetSchema.optional(),
});

const output = z.strictObject({
  rows: z.int(),
  columns: columnsSchema,
});

/** Makes a table from a query over other datasets. */
export const transform = defineJobKind({
  kind: 'transform',
  config,
  output,
  writesWarehouse: true,
  ownTemplates: { sql: (sql) => parseSqlTemplate(sql).values },
  inputs: ({ sql }) => parseSqlTemplate(sql).refs,
  outputs: ({ dataset }, jobKey) => [dataset ?? jobKey],

  async run(ctx, { sql: text, dataset }) {
    const { tableOf } = ctx.warehouse;
    const template = parseSqlTemplate(withoutSemicolon(text));
    const { sql, written } = template.render({ tableOf, literalOf: createLiterals(ctx, text) });
    const staging = await ctx.warehouse.stage(dataset ?? ctx.job);
    try {
      const rows = await staging.createAs(sql, written);
      return { rows, columns: await staging.columns() };
    } catch (error) {
      throw explainMissing(error, template.refs, tableOf);
    }
  },
});

function problemsOf(sql: string): string[] {
  const bytes = Buffer.byteLength(sql);
  if (bytes > sqlBytesMax) return [`${bytes} bytes of SQL; the limit is ${sqlBytesMax}`];
  if (sql.trim() === '') return ['expected a query, found nothing'];
  if (sql.includes('\0')) return ['SQL cannot hold a NUL character'];
  // To find a place takes longer in a longer text, and nobody reads thousands.
  const { problems } = parseSqlTemplate(sql);
  const told = problems.slice(0, limits.problemsShown).map(({ offset, message }) => {
    const { line, column } = describePlace(sql, offset);
    return `line ${line}, column ${column}: ${message}`;
  });
  const untold = problems.length - told.length;
  return untold > 0 ? [...told, `and ${untold} more of these`] : told;
}

/** Makes literals of the run's values, up to the limit of what is filled into a config. */
function createLiterals({ job, values }: JobContext, text: string) {
  let chars = 0;
  const refuse = (value: Reference, offset: number, why: string, cause?: unknown): never => {
    const { line, column } = describePlace(text, offset);
    const message = `The SQL of job "${job}" cannot be used with the values of this run: line ${line}, column ${column}: ${value.text}: ${why}.`;
    throw new CodedError('JOB_CONFIG_INVALID', message, { cause, data: { line, column } });
  };
  return (value: Reference, offset: number): string => {
    try {
      const literal = literalOf(values.get(value.text));
      chars += literal.length;
      if (chars <= limits.filledInChars) return literal;
    } catch (error) {
      return refuse(value, offset, error instanceof Error ? error.message : String(error), error);
    }
    const why = `what is filled in has more than ${limits.filledInChars} characters; that is the limit`;
    return refuse(value, offset, why);
  };
}

/** People end a statement with it; here the query stands inside of one. */
function withoutSemicolon(sql: string): string {
  return sql.replace(/;\s*$/, '');
}

/** A dataset that was never written is no table yet: true for a job that is run alone before its upstream. */
function explainMissing(
  error: unknown,
  refs: readonly string[],
  tableOf: (dataset: string) => string,
): unknown {
  if (!(error instanceof CodedError) || error.data.sqlstate !== '42P01') return error;
  const missing = refs.find((dataset) => error.message.includes(`"${tableOf(dataset).replaceAll('"', '')}"`));
  if (missing === undefined) return error;
  const message = `the dataset "${missing}" was not written yet; run the job that writes it first\n${error.message}`;
  return new CodedError('SQL_INVALID', message, { cause: error, data: error.data });
}
