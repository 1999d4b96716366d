// Attempts whose code runs, where the guard's thread can read them at any moment. A message for each would wake that thread
// twice a job, which costs more than all else that is done for a job without work.
import type { RunningAttempt } from './lost-attempts.ts';

/** Memory of both threads: for each place a version, how many bytes it holds, and the bytes. */
export interface BoardMemory {
  readonly heads: SharedArrayBuffer;
  readonly texts: SharedArrayBuffer;
}

/** What is written of an attempt is bounded by the names in it: at most half of this. */
const bytesPerPlace = 2_048;
const numbersPerHead = 2;

export function allocateBoard(places: number): BoardMemory {
  const headBytes = numbersPerHead * Int32Array.BYTES_PER_ELEMENT;
  return {
    heads: new SharedArrayBuffer(places * headBytes),
    texts: new SharedArrayBuffer(places * bytesPerPlace),
  };
}

/** The board as the thread sees it that writes; `remove` is told what `add` answered. */
export interface BoardWriter {
  /** The attempt's place; undefined where none is free. */
  add(key: number, attempt: RunningAttempt): number | undefined;
  remove(place: number): void;
}

export function writeBoard(memory: BoardMemory): BoardWriter {
  const { heads, texts } = open(memory);
  const free = Array.from({ length: heads.length / numbersPerHead }, (_, place) => place).reverse();
  const set = (place: number, text: string): void => {
    const version = place * numbersPerHead;
    // Odd while it is written.
    Atomics.add(heads, version, 1);
    const bytes = texts.write(text, place * bytesPerPlace, bytesPerPlace);
    Atomics.store(heads, version + 1, bytes < bytesPerPlace ? bytes : 0);
    Atomics.add(heads, version, 1);
  };
  return {
    add: (key, attempt) => {
      const place = free.pop();
      if (place !== undefined) set(place, JSON.stringify([key, attempt]));
      return place;
    },
    remove: (place) => {
      set(place, '');
      free.push(place);
    },
  };
}

/** What the board holds, in the order of the keys. What is written in this very moment is left out. */
export function readBoard(memory: BoardMemory): Map<number, RunningAttempt> {
  const { heads, texts } = open(memory);
  const found: [number, RunningAttempt][] = [];
  for (let place = 0; place < heads.length / numbersPerHead; place += 1) {
    const version = place * numbersPerHead;
    const before = Atomics.load(heads, version);
    const start = place * bytesPerPlace;
    const text = texts.toString('utf8', start, start + Atomics.load(heads, version + 1));
    if (text === '' || before % 2 === 1 || Atomics.load(heads, version) !== before) continue;
    // Written above, and by nobody else.
    found.push(JSON.parse(text) as [number, RunningAttempt]);
  }
  return new Map(found.sort(([a], [b]) => a - b));
}

function open({ heads, texts }: BoardMemory): { readonly heads: Int32Array; readonly texts: Buffer } {
  return { heads: new Int32Array(heads), texts: Buffer.from(texts) };
}
