import { CodedError } from '../../graph/errors.ts';

/** A place in a CSV file; lines and columns count from 1. */
export interface CsvPlace {
  readonly line: number;
  /** The field's number in its line. */
  readonly column?: number;
  /** Of the field's column, where it is known. */
  readonly name?: string | undefined;
  /** Counted in bytes from the start of the line, where fields cannot be told apart. */
  readonly byte?: number;
}

/** An error that the owner of the file mends. */
export function csvError(place: CsvPlace, message: string, cause?: unknown): CodedError {
  const parts = [`line ${place.line}`];
  if (place.column !== undefined)
    parts.push(`column ${place.column}${place.name ? ` (${show(place.name)})` : ''}`);
  if (place.byte !== undefined) parts.push(`byte ${place.byte}`);
  const data = {
    line: place.line,
    ...(place.column !== undefined && { column: place.column }),
    ...(place.byte !== undefined && { byte: place.byte }),
  };
  return new CodedError('CSV_INVALID', `${parts.join(', ')}: ${message}`, { cause, data });
}

const shownCharsMax = 100;

/** A value in quotes, cut when it is long. */
export function show(value: string): string {
  const characters = [...value.slice(0, 2 * shownCharsMax)];
  const isCut = value.length > 2 * shownCharsMax || characters.length > shownCharsMax;
  return `"${characters.slice(0, shownCharsMax).join('')}${isCut ? '...' : ''}"`;
}

/** Line breaks in a text: `\n`, `\r` and `\r\n` are one each. */
export function countBreaks(text: string): number {
  if (!text.includes('\n') && !text.includes('\r')) return 0;
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}
