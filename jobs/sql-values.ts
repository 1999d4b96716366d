// Where in SQL a value of a run may stand: wherever a literal may, and never within a text, a name or a comment, where it
// would be something else than a value.
import type { Reference } from '../graph/template.ts';
import { findQuotedParts, type QuotedPart } from './sql-scan.ts';

/** A value in SQL that was written. */
export interface PlacedValue {
  readonly value: Reference;
  readonly start: number;
  readonly end: number;
}

export interface MisplacedValue {
  readonly offset: number;
  readonly message: string;
}

/** Longer ones are not written out in another way. */
const shownCharsMax = 80;
/** What a word, a number or a dotted name is made of. */
const partOfWord = /[\w$.\u0080-\uffff]/;

/**
 * Finds values that stand where none may, each with what to write instead.
 * @param hidden the SQL with NUL characters in place of all that is in braces, so that no quote in there counts
 */
export function findMisplaced(hidden: string, values: readonly PlacedValue[]): MisplacedValue[] {
  const parts = findQuotedParts(hidden);
  const outline = outlineOf(hidden, parts);
  let next = 0;
  return values.flatMap(({ start, end, value }) => {
    while ((parts[next]?.end ?? hidden.length) <= start) next += 1;
    const part = parts[next];
    const isWithin = part !== undefined && part.start <= start;
    const why = isWithin ? whyNotWithin(hidden, part, value) : whyNotBeside(outline, { start, end });
    return why === undefined ? [] : [{ offset: start, message: `${value.text} ${why}` }];
  });
}

function whyNotWithin(hidden: string, part: QuotedPart, { text }: Reference): string {
  if (part.is === 'comment') return 'stands in a comment: take it out';
  if (part.is === 'name') return 'stands in a quoted name; it is a value, which makes no name';
  const quoted = hidden.slice(part.start, part.end);
  const isPlain = quoted.length <= shownCharsMax && /^'[^\0]*\0+[^\0]*'$/.test(quoted);
  const instead = isPlain
    ? quoted.replace(/\0+/, `' || ${text} || '`).replace(/^'' \|\| | \|\| ''$/g, '')
    : `it outside of the text, joined by ||`;
  return `stands in a quoted text, and brings quotes of its own: write ${instead}`;
}

function whyNotBeside(outline: string, { start, end }: { start: number; end: number }): string | undefined {
  if (partOfWord.test(outline[start - 1] ?? '') || partOfWord.test(outline[end] ?? '')) {
    return 'is written as part of a word; it is a value, which makes no name: put blanks around it';
  }
  // Of two texts one after the other, on two lines, Postgres makes one.
  const beside = neighbour(outline, start - 1, -1) + neighbour(outline, end, 1);
  if (!/['\0]/.test(beside)) return undefined;
  return 'stands beside another text or value with nothing in between: join them by ||';
}

/** Texts as quotes, comments as blanks. */
function outlineOf(sql: string, parts: readonly QuotedPart[]): string {
  const signs = { text: "'", name: '"', comment: ' ' } as const;
  let outline = '';
  for (const { is, start, end } of parts) {
    outline += sql.slice(outline.length, start) + signs[is].repeat(end - start);
  }
  return outline + sql.slice(outline.length);
}

/** The first character that is no blank; none at the end. */
function neighbour(outline: string, from: number, step: 1 | -1): string {
  let at = from;
  while (/\s/.test(outline[at] ?? '')) at += step;
  return outline[at] ?? '';
}
