import { stripVTControlCharacters, styleText } from 'node:util';
import type { Asked } from '../client/index.ts';

/** How long something took, short enough for a table: `40 ms`, `1.4 s`, `12 s`, `3 min 05 s`, `2 h 03 min`. */
export function formatDuration(ms: number): string {
  // Clocks of two machines may differ: nothing takes less than no time.
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** A time of the server as `2025-11-24 01:43:19Z`; empty for none. */
export function formatTime(iso: string | null): string {
  return iso === null ? '' : `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
}

/** From start to end, or to now while it is under way; empty before the start. */
export function formatSpan(
  span: { startedAt: string | null; completedAt: string | null },
  now: Date,
): string {
  if (span.startedAt === null) return '';
  const end = span.completedAt === null ? now.getTime() : Date.parse(span.completedAt);
  return formatDuration(end - Date.parse(span.startedAt));
}

/** Who asked for a cancel or a pause, when and why. */
export function formatAsked({ at, by, note }: Asked): string {
  return `${formatTime(at)} by ${printable(by)}${note === null ? '' : `: ${printable(note)}`}`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, bytes < 1_000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1_000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

/** `1 job`, `2 jobs`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Text from outside, without the control characters by which it could change the terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, (char) =>
    char === '\n' || char === '\t' ? char : '',
  );
}

export function indent(text: string, by = '    '): string {
  return text.replaceAll(/^(?=.)/gm, by);
}

/** Columns as wide as they need, two spaces apart; those named in `right` are aligned there. */
export function formatColumns(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(cell));
  }
  const lines = rows.map((row) =>
    row
      .map((cell, at) => {
        const gap = ' '.repeat((widths[at] ?? 0) - widthOf(cell));
        return right.includes(at) ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
}

const stateStyles = { PENDING: 'gray', RUNNING: 'cyan', FAILED: 'red', SUCCESS: 'green' } as const;

export function styleState(state: keyof typeof stateStyles, color: boolean): string {
  return color ? styleText(stateStyles[state], state, { validateStream: false }) : state;
}

export function styleTitles(titles: readonly string[], color: boolean): string[] {
  return titles.map((title) => (color ? styleText('bold', title, { validateStream: false }) : title));
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

function pad(number: number): string {
  return String(number).padStart(2, '0');
}
