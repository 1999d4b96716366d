import { csvError, show } from './csv-error.ts';

/** Both are Postgres'. */
const columnsMax = 1_600;
const nameBytesMax = 63;

/** Every table has these. */
const systemColumns = new Set(['ctid', 'xmin', 'cmin', 'xmax', 'cmax', 'tableoid']);
const usualDelimiters = [';', '\t', '|'];

/**
 * Checks that a header can name the columns of a table, as it is written.
 * @throws CodedError CSV_INVALID
 */
export function checkHeader(row: readonly (string | null)[], delimiter: string | undefined): string[] {
  if (row.length > columnsMax) {
    throw csvError(
      { line: 1, column: columnsMax + 1 },
      `${row.length} columns; a table can have ${columnsMax}`,
    );
  }
  const seen = new Map<string, number>();
  const header = row.map((name, index) => {
    const place = { line: 1, column: index + 1 };
    if (name === null || name === '') throw csvError(place, 'the header has no name here');
    const bytes = Buffer.byteLength(name);
    if (bytes > nameBytesMax) {
      throw csvError(
        place,
        `the name ${show(name)} has ${bytes} bytes; a column's name can have ${nameBytesMax}`,
      );
    }
    const other = seen.get(name);
    if (other !== undefined)
      throw csvError(place, `the name ${show(name)} is that of column ${other} already`);
    if (systemColumns.has(name))
      throw csvError(place, `the name ${show(name)} is Postgres' own; choose another`);
    seen.set(name, index + 1);
    return name;
  });
  checkDelimiter(header, delimiter);
  return header;
}

/** One column named `a;b` is most likely two: to load it as one, the config says what the delimiter is. */
function checkDelimiter(header: readonly string[], delimiter: string | undefined): void {
  const [only = ''] = header;
  const other = usualDelimiters.find((character) => only.includes(character));
  if (delimiter !== undefined || header.length > 1 || other === undefined) return;
  const message = `one column named ${show(only)}; if ${JSON.stringify(other)} separates the fields, set "delimiter" to it, else to ","`;
  throw csvError({ line: 1, column: 1 }, message);
}
