import pg from 'pg';

/**
 * A JSON value as a literal of SQL: numbers, true, false and null as such; a text between quotes, of no type yet, so that it
 * becomes what it stands beside; lists and objects as the text of their JSON. Each stands for itself wherever a value may.
 * @throws Error, whose message says what Postgres does not take
 */
export function literalOf(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return literalOfNumber(value);
  if (typeof value === 'string') {
    checkText(value);
    return pg.escapeLiteral(value);
  }
  const json = JSON.stringify(value, (key, part: unknown) => {
    checkText(key);
    if (typeof part === 'string') checkText(part);
    if (typeof part === 'number') literalOfNumber(part);
    return part;
  });
  if (json === undefined) throw new Error('it is no value of JSON');
  return pg.escapeLiteral(json);
}

/** One below zero is in parentheses: a cast binds closer than a sign, and two signs are a comment. */
function literalOfNumber(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`${value} is no number of SQL`);
  return value < 0 ? `(${value})` : String(value);
}

function checkText(text: string): void {
  if (text.includes('\0')) throw new Error('it holds a NUL character, which Postgres does not take');
  if (!text.isWellFormed()) {
    throw new Error('it holds half of a surrogate pair, which is no text in UTF-8');
  }
}
