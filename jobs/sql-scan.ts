// Tells where in a text of SQL something stands: by the lexical rules of Postgres (with standard_conforming_strings, which
// sessions of the warehouse set), and no further. What the SQL means is for Postgres to say.

/** A part that holds anything up to its end. One that does not end goes on to the end of the text. */
export interface QuotedPart {
  readonly is: 'text' | 'name' | 'comment';
  readonly start: number;
  readonly end: number;
}

/**
 * A quote that ends a text with escapes, and one on a later line that goes on with it: such texts are one, with the escapes of
 * the first. Between them are blanks, line breaks and comments to the end of their line.
 */
const continued = /'[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/;
const token = new RegExp(
  [
    /(?<comment>--[^\n\r]*)/,
    /(?<block>\/\*)/,
    new RegExp(`(?<text>[eE]'(?:[^'\\\\]+|\\\\[\\s\\S]|''|${continued.source})*'?|'(?:[^']+|'')*'?)`),
    /(?<name>"(?:[^"]+|"")*"?)/,
    /(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$)/,
    // A dollar within a word begins no text.
    /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/,
    /\s+|[\s\S]/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'y',
);

/** In their order. Where one part is quoted within another, as in a nested comment, it is the outer one. */
export function findQuotedParts(sql: string): QuotedPart[] {
  const parts: QuotedPart[] = [];
  let start = 0;
  while (start < sql.length) {
    token.lastIndex = start;
    const { comment, block, text, name, dollar } = token.exec(sql)?.groups ?? {};
    let end = token.lastIndex;
    if (block !== undefined) end = endOfBlock(sql, start);
    if (dollar !== undefined) {
      const closing = sql.indexOf(dollar, end);
      end = closing === -1 ? sql.length : closing + dollar.length;
    }
    if (comment !== undefined || block !== undefined) parts.push({ is: 'comment', start, end });
    if (text !== undefined || dollar !== undefined) parts.push({ is: 'text', start, end });
    if (name !== undefined) parts.push({ is: 'name', start, end });
    start = end;
  }
  return parts;
}

/** Comments of Postgres may hold others. */
function endOfBlock(sql: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(sql); mark; mark = marks.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}
