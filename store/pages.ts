import { CodedError } from '../graph/errors.ts';
import type { Page } from '../graph/resources.ts';
import { isId } from './ids.ts';
import type { PageRequest } from './store.ts';

/** Where a list ordered by creation goes on: below this row. */
export interface CreatedCursor {
  readonly createdAt: Date;
  readonly id: string;
}

export function encodeCursor(cursor: CreatedCursor): string {
  return Buffer.from(`${cursor.createdAt.toISOString()} ${cursor.id}`).toString('base64url');
}

/** @throws CodedError CURSOR_INVALID */
export function decodeCursor(request: PageRequest): CreatedCursor | null {
  if (request.cursor === undefined) return null;
  const [time = '', id = ''] = Buffer.from(request.cursor, 'base64url').toString().split(' ');
  const createdAt = new Date(time);
  if (Number.isNaN(createdAt.getTime()) || !isId(id)) throw badCursor();
  return { createdAt, id };
}

export function encodeNumber(value: number): string {
  return Buffer.from(String(value)).toString('base64url');
}

/** @throws CodedError CURSOR_INVALID */
export function decodeNumber(request: PageRequest): number | null {
  if (request.cursor === undefined) return null;
  const value = Number(Buffer.from(request.cursor, 'base64url').toString());
  if (!Number.isSafeInteger(value)) throw badCursor();
  return value;
}

/** Cuts a list that was read one row beyond the limit. */
export function cutPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  cursorOf: (row: Row) => string,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown[shown.length - 1];
  const nextCursor = rows.length > limit && last !== undefined ? cursorOf(last) : null;
  return { items: shown.map(toItem), nextCursor };
}

function badCursor(): CodedError {
  return new CodedError(
    'CURSOR_INVALID',
    'The cursor is not one that this list gave; begin again without it.',
  );
}
