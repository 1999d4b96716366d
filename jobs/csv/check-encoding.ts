import { isUtf8 } from 'node:buffer';
import { Transform } from 'node:stream';
import { csvError } from './csv-error.ts';

/** What people upload in place of a CSV file in UTF-8, by its first bytes. */
const otherFormats = [
  { bytes: [0xff, 0xfe], format: 'UTF-16' },
  { bytes: [0xfe, 0xff], format: 'UTF-16' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], format: 'an Excel or zip file' },
  { bytes: [0xd0, 0xcf, 0x11, 0xe0], format: 'an old Excel file' },
  { bytes: [0x1f, 0x8b], format: 'compressed by gzip' },
];
const longestMark = 4;

const lineFeed = 10;
const carriageReturn = 13;

/**
 * Passes bytes on as they are, if all of them are UTF-8 text without NUL, which Postgres cannot hold. The first that
 * is not ends the stream with CSV_INVALID and its place.
 */
export function checkEncoding(): Transform {
  const lines = new LineCounter();
  /** The start of a character (or of the file) whose rest is still to come. */
  let rest: Buffer = Buffer.alloc(0);
  let isStart = true;

  function check(whole: Buffer): void {
    if (isStart) checkFormat(whole);
    isStart = false;
    const nul = whole.indexOf(0);
    if (nul !== -1)
      throw csvError(lines.placeOf(whole, nul), 'a NUL byte; expected text in UTF-8 (is it UTF-16?)');
    if (!isUtf8(whole)) throw notUtf8(whole, lines);
    lines.count(whole);
  }

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      const end = isStart && bytes.length < longestMark ? 0 : lastBoundary(bytes);
      rest = bytes.subarray(end);
      attempt(done, () => {
        const whole = bytes.subarray(0, end);
        if (end > 0) check(whole);
        return whole;
      });
    },
    flush(done) {
      attempt(done, () => {
        check(rest);
        return rest;
      });
    },
  });
}

function attempt(done: (error: Error | null, bytes?: Buffer) => void, work: () => Buffer): void {
  try {
    done(null, work());
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
  }
}

function checkFormat(start: Buffer): void {
  const found = otherFormats.find(({ bytes }) => bytes.every((byte, index) => start[index] === byte));
  if (found)
    throw csvError(
      { line: 1, byte: 1 },
      `the file is ${found.format}; expected CSV in UTF-8: save it as that`,
    );
}

/** Where the last character that is there completely ends. */
function lastBoundary(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte < 0xc0) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return back < size ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function notUtf8(bytes: Buffer, lines: LineCounter): Error {
  const offset = firstInvalid(bytes);
  const byte = (bytes[offset] ?? 0).toString(16).toUpperCase().padStart(2, '0');
  return csvError(
    lines.placeOf(bytes, offset),
    `the byte 0x${byte} is not UTF-8; save the file as UTF-8 (is it Latin-1 or Windows-1252?)`,
  );
}

/** A decoder puts U+FFFD where it fails, and everything before it as it was. */
function firstInvalid(bytes: Buffer): number {
  const text = bytes.toString('utf8');
  for (let at = text.indexOf('\ufffd'), offset = 0, from = 0; at !== -1; at = text.indexOf('\ufffd', from)) {
    offset += Buffer.byteLength(text.slice(from, at));
    if (bytes.subarray(offset, offset + 3).toString('hex') !== 'efbfbd') return offset;
    offset += 3;
    from = at + 1;
  }
  return bytes.length - 1;
}

/** Counts `\n`, `\r` and `\r\n` as one line break each, whatever the chunks. */
class LineCounter {
  #line = 1;
  #bytesOfLine = 0;
  #endsInReturn = false;

  count(bytes: Buffer): void {
    if (bytes.length === 0) return;
    let lineStart = -1;
    const startsInFeed = this.#endsInReturn && bytes[0] === lineFeed;
    for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) {
      const isPair = at === 0 ? startsInFeed : bytes[at - 1] === carriageReturn;
      if (!isPair) this.#line += 1;
      lineStart = at + 1;
    }
    for (let at = bytes.indexOf(carriageReturn); at !== -1; at = bytes.indexOf(carriageReturn, at + 1)) {
      this.#line += 1;
      if (at + 1 > lineStart) lineStart = at + 1;
    }
    this.#bytesOfLine = lineStart === -1 ? this.#bytesOfLine + bytes.length : bytes.length - lineStart;
    this.#endsInReturn = bytes[bytes.length - 1] === carriageReturn;
  }

  /** The place of a byte in the bytes that come next. */
  placeOf(bytes: Buffer, offset: number): { line: number; byte: number } {
    this.count(bytes.subarray(0, offset));
    return { line: this.#line, byte: this.#bytesOfLine + 1 };
  }
}
