import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { type CastingContext, CsvError, type Parser, parse } from 'csv-parse';
import { CodedError } from '../../graph/errors.ts';
import type { JobFile } from '../define-job-kind.ts';
import { checkEncoding } from './check-encoding.ts';
import { checkHeader } from './check-header.ts';
import { type CsvPlace, countBreaks, csvError } from './csv-error.ts';

/** A longer record is most likely a quote that is never closed; and it must fit into memory several times. */
export const recordBytesMax = 16 * 1024 * 1024;

export type CsvRow = readonly (string | null)[];

export interface ReadCsvOptions {
  /** A comma unless told; a header that holds another usual one is then refused. */
  readonly delimiter?: string | undefined;
  readonly signal: AbortSignal;
  /** Called with the number of bytes read so far. */
  readonly onRead?: (bytes: number) => void;
}

export interface CsvReader {
  readonly header: readonly string[];
  /** Records after the header, once; all have as many fields as it. */
  rows(): AsyncIterable<CsvRow>;
  close(): void;
}

/**
 * Opens a CSV file (RFC 4180, strictly: nothing is guessed or skipped; lines end in `\n`, `\r\n` or `\r`) and reads its
 * header. A field that is empty and has no quotes is null; with quotes it is the empty string.
 * @throws CodedError CSV_INVALID with line and column, here and from `rows`.
 */
export async function openCsv(file: JobFile, options: ReadCsvOptions): Promise<CsvReader> {
  const place = new RecordPlace();
  const parser = startParser(file, options, place);
  const records: AsyncIterator<CsvRow> = parser[Symbol.asyncIterator]();

  async function next(): Promise<CsvRow | undefined> {
    try {
      const result = await records.next();
      return result.done ? undefined : result.value;
    } catch (error) {
      options.signal.throwIfAborted();
      throw explain(error, place);
    }
  }

  const first = await next();
  if (first === undefined)
    throw csvError({ line: 1 }, 'the file is empty; expected a header with the names of the columns');
  return {
    header: checkFirst(first, options, parser),
    async *rows() {
      for (let row = await next(); row !== undefined; row = await next()) yield row;
    },
    close: () => void parser.destroy(),
  };
}

function checkFirst(first: CsvRow, { delimiter }: ReadCsvOptions, parser: Parser): string[] {
  try {
    return checkHeader(first, delimiter);
  } catch (error) {
    parser.destroy();
    throw error;
  }
}

function startParser(
  file: JobFile,
  { delimiter = ',', signal, onRead }: ReadCsvOptions,
  place: RecordPlace,
): Parser {
  const parser = parse({
    bom: true,
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: recordBytesMax,
    cast: (value, context) => place.note(value, context),
  });
  // Its errors destroy the parser, whose reader throws them.
  pipeline(file.read(), checkContent(file, onRead), checkEncoding(), parser, { signal }).catch(() => {});
  return parser;
}

/** Passes on what was uploaded, or fails: a file that was cut on its way must not load as a shorter one. */
function checkContent(file: JobFile, onRead?: (bytes: number) => void) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.length;
      onRead?.(bytes);
      yield chunk;
    }
    if (bytes !== file.bytes || hash.digest('hex') !== file.sha256) {
      throw new Error(
        `read ${bytes} bytes of "${file.name}" that are not the ${file.bytes} bytes that were uploaded`,
      );
    }
  };
}

/**
 * Where the parser is: its own count of lines is wrong after a `\r\n` inside quotes, and it reads ahead of who takes
 * the records. It calls `note` for each field in order.
 */
class RecordPlace {
  /** Of the record whose fields are being read. */
  #line = 0;
  #nextLine = 1;
  #isHeader = true;
  /** The fields of the first record: the parser may fail before anyone was given it. */
  readonly header: string[] = [];

  note(value: string, { index, quoting, records }: CastingContext): string | null {
    if (index === 0) {
      this.#line = this.#nextLine;
      this.#nextLine += 1;
      this.#isHeader = records === 0;
    }
    if (this.#isHeader) this.header.push(value);
    if (value === '') return quoting ? '' : null;
    if (quoting) this.#nextLine += countBreaks(value);
    return value;
  }

  /** The line on which the field after the last one noted begins; `column` counts from 0. */
  lineOf(column: number): number {
    return column === 0 ? this.#nextLine : this.#nextLine - 1;
  }

  /** The line on which the last record noted begins. */
  get recordLine(): number {
    return this.#line;
  }
}

/** Turns the parser's errors into ours; others are passed on, since the world has failed. */
function explain(error: unknown, place: RecordPlace): unknown {
  if (error instanceof CodedError || !(error instanceof CsvError)) return error;
  const index = typeof error.column === 'number' ? error.column : 0;
  const field: CsvPlace = { line: place.lineOf(index), column: index + 1, name: place.header[index] };
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return csvError(field, 'a quote opens this field and is never closed', error);
    case 'CSV_INVALID_CLOSING_QUOTE':
      return csvError(
        field,
        'text follows the closing quote of this field; a quote inside of quotes is written ""',
        error,
      );
    case 'INVALID_OPENING_QUOTE':
      return csvError(
        field,
        'a quote inside a field that does not begin with one; put the field in quotes and write ""',
        error,
      );
    case 'CSV_MAX_RECORD_SIZE':
      return csvError(
        field,
        `the record is longer than ${recordBytesMax} bytes; is a quote not closed?`,
        error,
      );
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH':
      return ragged(error, place.recordLine, place.header);
    default:
      return error;
  }
}

function ragged(error: CsvError, line: number, header: readonly string[]): CodedError {
  const record: unknown = error.record;
  const found = Array.isArray(record) ? record.length : 0;
  const expected = header.length;
  const column = Math.min(found, expected) + 1;
  const isEmpty = Array.isArray(record) && record.length === 1 && record[0] === null;
  const what = isEmpty ? 'an empty line' : `${found} ${found === 1 ? 'field' : 'fields'}`;
  return csvError(
    { line, column, name: header[column - 1] },
    `expected ${expected} fields, found ${what}`,
    error,
  );
}
