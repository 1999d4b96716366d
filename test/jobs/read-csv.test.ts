import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { copyRows } from '../../jobs/csv/copy-rows.ts';
import { openCsv } from '../../jobs/csv/read-csv.ts';
import type { JobFile } from '../../jobs/define-job-kind.ts';

const { signal } = new AbortController();

function fileOf(text: string, chunkBytes: number): JobFile {
  const bytes = Buffer.from(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name: 'file.csv', bytes: bytes.length, sha256, read: () => Readable.from(chunks) };
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

async function rowsOf(text: string, chunkBytes: number): Promise<unknown[]> {
  const csv = await openCsv(fileOf(text, chunkBytes), { signal });
  return collect(csv.rows());
}

const pieces = ['a', '1', ' ', ',', '"', '\n', '\r', '\r\n', '\\.', '\\N', 'é', '😀', '\ufeff', '\ufffd'];
const value = fc.option(
  fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join('')),
);
const table = fc.array(fc.tuple(value, value, value), { maxLength: 8 });
const lineEnd = fc.constantFrom('\n', '\r', '\r\n');

function written(field: string | null): string {
  return field === null ? '' : `"${field.replaceAll('"', '""')}"`;
}

it('reads every table back as it was written, wherever its bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      table,
      fc.integer({ min: 1, max: 7 }),
      fc.array(lineEnd, { minLength: 9, maxLength: 9 }),
      async (rows, cut, ends) => {
        const lines = rows.map((row, index) => row.map(written).join(',') + ends[index + 1]);
        expect(await rowsOf(`x,y,z${ends[0]}${lines.join('')}`, cut)).toEqual(rows);
      },
    ),
    { numRuns: 300 },
  );
});

it('names the line of a broken quote, whatever came before', async () => {
  await fc.assert(
    fc.asyncProperty(table, fc.integer({ min: 1, max: 7 }), lineEnd, async (rows, cut, end) => {
      const before = `x,y,z${end}${rows.map((row) => row.map(written).join(',') + end).join('')}`;
      const line = 1 + (before.match(/\r\n|\r|\n/g)?.length ?? 0);
      await expect(rowsOf(`${before}a,b"c,d${end}`, cut)).rejects.toMatchObject({
        data: { line, column: 2 },
      });
    }),
    { numRuns: 200 },
  );
});

it('names the line and byte of what is not UTF-8, wherever the bytes are cut', async () => {
  const text = fc.array(fc.constantFrom('a', 'é', '😀', '\ufffd', '\n', '\r', '\r\n'), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), async (parts, cut) => {
      const before = parts.join('');
      const lines = before.split(/\r\n|\r|\n/);
      const bytes = Buffer.concat([Buffer.from(`header\n${before}`), Buffer.from([0xff, 0x41])]);
      const chunks = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, index) =>
        bytes.subarray(index * cut, (index + 1) * cut),
      );
      const file = { name: 'f', bytes: bytes.length, sha256: '', read: () => Readable.from(chunks) };
      const place = { line: 1 + lines.length, byte: 1 + Buffer.byteLength(lines.at(-1) ?? '') };
      const csv = openCsv(file, { signal }).then((reader) => collect(reader.rows()));
      await expect(csv).rejects.toMatchObject({ data: place });
    }),
    { numRuns: 300 },
  );
});

it('hands rows on in the form that COPY reads', async () => {
  async function* rows() {
    yield ['a', null, ''];
    yield ['say "hi"', ',', '\n'];
  }
  const copy = copyRows(rows());
  const bytes = await collect(copy.stream);
  expect(bytes.join('')).toBe('"a",,""\n"say ""hi""",",","\n"\n');
  expect(copy.count()).toBe(2);
});
