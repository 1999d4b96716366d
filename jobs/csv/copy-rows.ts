import { Readable } from 'node:stream';
import type { CsvRow } from './read-csv.ts';

const chunkChars = 64 * 1024;

/** Rows in the form that COPY reads: all strings quoted, null unquoted. `count` is that of the rows handed on so far. */
export function copyRows(rows: AsyncIterable<CsvRow>): { readonly stream: Readable; count(): number } {
  let count = 0;
  async function* encode(): AsyncGenerator<Buffer> {
    let chunk = '';
    for await (const row of rows) {
      chunk += encodeRow(row);
      count += 1;
      if (chunk.length < chunkChars) continue;
      yield Buffer.from(chunk);
      chunk = '';
    }
    if (chunk !== '') yield Buffer.from(chunk);
  }
  return { stream: Readable.from(encode(), { objectMode: false }), count: () => count };
}

function encodeRow(row: CsvRow): string {
  let line = '';
  for (const [index, value] of row.entries()) {
    if (index > 0) line += ',';
    if (value !== null) line += `"${value.includes('"') ? value.replaceAll('"', '""') : value}"`;
  }
  return `${line}\n`;
}
