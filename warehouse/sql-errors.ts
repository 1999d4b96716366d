import pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { WrittenSql } from './attempt-warehouse.ts';

/** What was sent to the server: the user's SQL between the platform's words. */
export interface RanSql {
  readonly before: string;
  readonly sql: string;
  readonly after: string;
  /** Where the user wrote something else than `sql`. */
  readonly written?: WrittenSql | undefined;
}

/** SQLSTATEs that another try would give again, by class or whole: the user's SQL or data is at fault. */
const finalStates = ['21', '22', '23', '25', '26', '2B', '34', '3F', '42', '54', '0A', '53400'];

/** What a standby says, for a while after a failover. */
const readOnlyServer = '25006';

const quotedCharsMax = 160;

/**
 * Turns an error of Postgres that the user must mend into SQL_INVALID, with the place in the SQL as it was written.
 * All others (connections, resources, conflicts) are given back as they are, to be tried again.
 */
export function toSqlError(error: unknown, ran: RanSql): unknown {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return error;
  const sqlstate = error.code;
  if (sqlstate === readOnlyServer || !finalStates.some((state) => sqlstate.startsWith(state))) return error;
  const place = placeOf(error, ran);
  const isAtEnd = place?.isAtEnd === true && sqlstate === '42601';
  const said = isAtEnd ? 'the SQL ends too early' : error.message;
  const where = place ? `, line ${place.line}, column ${place.column}` : '';
  const parts = [`${said} (SQLSTATE ${sqlstate})${where}`];
  if (place) parts.push(...place.shown);
  if (error.detail) parts.push(error.detail.slice(0, 500));
  if (error.hint) parts.push(`Hint: ${error.hint}`);
  else if (sqlstate === '42601') parts.push('Hint: a transform is one query: SELECT, WITH, VALUES or TABLE.');
  const data = { sqlstate, ...(place && { line: place.line, column: place.column }) };
  return new CodedError('SQL_INVALID', parts.join('\n'), { cause: error, data });
}

interface Place {
  readonly line: number;
  readonly column: number;
  readonly isAtEnd: boolean;
  /** The line, and a caret below the place. */
  readonly shown: readonly string[];
}

function placeOf(error: pg.DatabaseError, { before, sql, after, written }: RanSql): Place | undefined {
  if (error.position === undefined) return undefined;
  const offset = offsetOfCharacter(before + sql + after, Number(error.position) - 1) - before.length;
  if (offset < 0) return undefined;
  const isAtEnd = offset >= sql.length;
  const text = written?.text ?? sql;
  const writtenOffset = isAtEnd ? text.trimEnd().length : (written?.offsetOf(offset) ?? offset);
  return { ...describePlace(text, writtenOffset), isAtEnd };
}

/** Line and column of an offset, both from 1, in characters as people count them; with the line quoted. */
export function describePlace(
  text: string,
  offset: number,
): { line: number; column: number; shown: readonly string[] } {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const line = text.slice(0, lineStart).split('\n').length;
  const before = [...text.slice(lineStart, offset)];
  const after = [...text.slice(offset, lineEnd === -1 ? undefined : lineEnd).trimEnd()];
  const from = before.length > quotedCharsMax / 2 ? before.length - quotedCharsMax / 2 : 0;
  const quoted = [...before, ...after].slice(from, from + quotedCharsMax).join('');
  const gap = before.slice(from).map((character) => (character === '\t' ? '\t' : ' '));
  return { line, column: before.length + 1, shown: [`    ${quoted}`, `    ${gap.join('')}^`] };
}

/** Postgres counts characters; strings here count UTF-16 units. */
function offsetOfCharacter(text: string, characters: number): number {
  let offset = 0;
  for (let count = 0; count < characters && offset < text.length; count += 1) {
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  }
  return offset;
}
