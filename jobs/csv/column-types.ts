import type { Staging } from '../../warehouse/attempt-warehouse.ts';

/** Types that a config may name. */
export const columnTypes = [
  'text',
  'boolean',
  'smallint',
  'integer',
  'bigint',
  'numeric',
  'real',
  'double precision',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'uuid',
  'json',
  'jsonb',
] as const;
export type ColumnType = (typeof columnTypes)[number];

/** What values of each type look like, for errors. */
export const expectedOf: Readonly<Record<ColumnType, string>> = {
  text: 'any text',
  boolean: 'true or false',
  smallint: 'a whole number from -32768 to 32767',
  integer: 'a whole number from -2147483648 to 2147483647',
  bigint: 'a whole number from -9223372036854775808 to 9223372036854775807',
  numeric: 'a number such as 1234.50',
  real: 'a number such as 1234.5',
  'double precision': 'a number such as 1234.5',
  date: 'a date such as 2001-12-31',
  time: 'a time such as 23:59:00',
  timestamp: 'a time such as 2001-12-31 23:59:00',
  timestamptz: 'a time such as 2001-12-31T23:59:00Z',
  interval: 'an interval such as 1 day 02:00:00',
  uuid: 'a UUID',
  json: 'JSON',
  jsonb: 'JSON',
};

/** Words such as `today` are dates to Postgres: other data on another day. */
const startsWithDigit: ReadonlySet<ColumnType> = new Set(['date', 'time', 'timestamp', 'timestamptz']);

/** As many as fit well below Postgres' 1,664 results of a query. */
const columnsPerScan = 200;
const misfitsShown = 20;
/** Longer ones are no quantities, and numeric has an end too. */
const numberCharsMax = 1_000;

/** One bit each; more than one stays set where all values fit several. */
const forms = {
  bigint: 1,
  numeric: 2,
  boolean: 4,
  date: 8,
  timestamptzOfPostgres: 16,
  timestamptzOfSeconds: 32,
  timestamptzOfMilliseconds: 64,
  timestamptzOfMicroseconds: 128,
};

/**
 * The type of each column by all of its values: one whose text form gives every value back exactly as it was written,
 * so that no zero in front, no digit and no offset is lost; else text. In the order of `columns`.
 */
export async function inferTypes(staging: Staging, columns: readonly string[]): Promise<ColumnType[]> {
  const fits = await scan(
    staging,
    columns.map((column) => `bit_and(${formsOf(quote(column))})`),
  );
  return fits.map(typeOf);
}

/** The results of aggregates over the whole table, in their order. */
async function scan(staging: Staging, aggregates: readonly string[]): Promise<unknown[]> {
  const results: unknown[] = [];
  for (let from = 0; from < aggregates.length; from += columnsPerScan) {
    const scanned = aggregates.slice(from, from + columnsPerScan);
    const list = scanned.map((aggregate, index) => `${aggregate} as c${index}`).join(', ');
    const [row] = await staging.query(`select ${list} from ${staging.table}`);
    results.push(...scanned.map((_, index) => row?.[`c${index}`]));
  }
  return results;
}

function typeOf(fits: unknown): ColumnType {
  if (typeof fits !== 'number') return 'text';
  if (fits & forms.bigint) return 'bigint';
  if (fits & forms.numeric) return 'numeric';
  if (fits & forms.boolean) return 'boolean';
  if (fits & forms.date) return 'date';
  return fits === 0 ? 'text' : 'timestamptz';
}

/** The forms that one value has, as SQL; null for null, which fits all. The session's time zone is UTC. */
function formsOf(value: string): string {
  const instant = '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}';
  const timestamp = (pattern: string, format: string, form: number) =>
    `when ${value} ~ '^${instant}${pattern}Z$' and pg_input_is_valid(${value}, 'timestamptz') then
       case when to_char(${value}::timestamptz, 'YYYY-MM-DD"T"HH24:MI:SS${format}"Z"') = ${value} then ${form} else 0 end`;
  return `case
    when ${value} is null then null
    when left(${value}, 1) collate "C" not between '-' and '9' and ${value} not in ('true', 'false') or length(${value}) > ${numberCharsMax} then 0
    when ${value} ~ '^(0|-?[1-9][0-9]*)$' then
      case when length(${value}) < 19 or pg_input_is_valid(${value}, 'bigint') then ${forms.bigint + forms.numeric} else ${forms.numeric} end
    when ${value} ~ '^-?(0|[1-9][0-9]*)[.][0-9]+$' and ${value} !~ '^-0[.]0+$' then ${forms.numeric}
    when ${value} in ('true', 'false') then ${forms.boolean}
    when ${value} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then
      case when pg_input_is_valid(${value}, 'date') then ${forms.date} else 0 end
    ${timestamp('', '', forms.timestamptzOfSeconds)}
    ${timestamp('[.][0-9]{3}', '.MS', forms.timestamptzOfMilliseconds)}
    ${timestamp('[.][0-9]{6}', '.US', forms.timestamptzOfMicroseconds)}
    when ${value} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}([.][0-9]{1,6})?[+]00$' and pg_input_is_valid(${value}, 'timestamptz') then
      case when ${value}::timestamptz::text = ${value} then ${forms.timestamptzOfPostgres} else 0 end
    else 0 end`;
}

export interface Misfits {
  readonly column: string;
  readonly type: ColumnType;
  /** Some of the values that are not of that type. */
  readonly values: ReadonlySet<string>;
}

/** The columns with values that are not of the type that the config wants, in the given order. */
export async function findMisfits(
  staging: Staging,
  wanted: ReadonlyMap<string, ColumnType>,
): Promise<Misfits[]> {
  const checked = [...wanted].filter(([, type]) => type !== 'text');
  const isBad = await scan(
    staging,
    checked.map(([column, type]) => `bool_or(${misfits(column, type)})`),
  );
  const found: Misfits[] = [];
  for (const [column, type] of checked.filter((_, index) => isBad[index] === true)) {
    const rows = await staging.query<{ value: string }>(
      `select distinct ${quote(column)} as value from ${staging.table} where ${misfits(column, type)} limit ${misfitsShown}`,
    );
    found.push({ column, type, values: new Set(rows.map(({ value }) => value)) });
  }
  return found;
}

function misfits(column: string, type: ColumnType): string {
  const value = quote(column);
  const digits = startsWithDigit.has(type) ? ` and ${value} ~ '^[0-9]'` : '';
  return `not (pg_input_is_valid(${value}, '${type}')${digits})`;
}

/** Gives the columns their types, in one pass over the table. */
export async function convertColumns(
  staging: Staging,
  types: ReadonlyMap<string, ColumnType>,
): Promise<void> {
  const changes = [...types]
    .filter(([, type]) => type !== 'text')
    .map(([column, type]) => `alter column ${quote(column)} type ${type} using ${quote(column)}::${type}`);
  if (changes.length > 0) await staging.query(`alter table ${staging.table} ${changes.join(', ')}`);
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
