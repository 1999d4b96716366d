import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';

const rotateAtBytes = 20 * 1024 * 1024;
const tailBytes = 16 * 1024;

/** Sets a log that has grown too large aside as `<file>.1` (one older file is kept). Only while no process writes it. */
export function rotateLog(file: string): void {
  if (existsSync(file) && statSync(file).size > rotateAtBytes) renameSync(file, `${file}.1`);
}

/** Where a log ends now; lines after it are those of the start that follows. */
export function logEnd(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

/** The last lines of a log, none from before `from`; empty when there are none. */
export function logTail(file: string, from = 0, lineCount = 15): string {
  if (!existsSync(file)) return '';
  const fd = openSync(file, 'r');
  try {
    const end = fstatSync(fd).size;
    const begin = Math.max(from, end - tailBytes, 0);
    if (end <= begin) return '';
    const buffer = Buffer.alloc(end - begin);
    readSync(fd, buffer, 0, buffer.length, begin);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lineCount).join('\n');
  } finally {
    closeSync(fd);
  }
}
