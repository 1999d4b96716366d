// One field of a cron expression, or of a calendar, in the grammar that Temporal's server and other crons read alike. Pure.
import { range } from './calendar.ts';

export interface FieldKind {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** From `min` on. */
  readonly names?: readonly string[];
  readonly example: string;
}

export const fieldKinds = {
  minute: { name: 'minute', min: 0, max: 59, example: '0, 5,35, 0-30/10 or */15' },
  hour: { name: 'hour', min: 0, max: 23, example: '9, 9-17, 6,18 or */4' },
  dayOfMonth: { name: 'day of month', min: 1, max: 31, example: '1, 1-7 or 1,15' },
  month: {
    name: 'month',
    min: 1,
    max: 12,
    names: [
      ...['january', 'february', 'march', 'april', 'may', 'june'],
      ...['july', 'august', 'september', 'october', 'november', 'december'],
    ],
    example: '1, jan, 3-5 or 1,7',
  },
  /** 7 is Sunday as well. */
  dayOfWeek: {
    name: 'day of week',
    min: 0,
    max: 7,
    names: ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'],
    example: '1, mon, mon-fri or 0,6',
  },
} as const satisfies Record<string, FieldKind>;

export type ReadField =
  | {
      readonly ok: true;
      /** In ascending order. */
      readonly values: readonly number[];
      /** `*` alone: it restricts nothing. */
      readonly isWhole: boolean;
      /** All of them, or every so many of all. */
      readonly isEvery: boolean;
    }
  | { readonly ok: false; readonly message: string };

/** Reads `*`, `a`, `a-b`, and the first and last of these with a step; lists of them with commas; names of months and days. */
export function readField(kind: FieldKind, text: string): ReadField {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const found = readPart(kind, part);
    if (typeof found === 'string') return refuse(kind, text, found);
    for (const value of found) values.add(kind === fieldKinds.dayOfWeek && value === 7 ? 0 : value);
  }
  const sorted = [...values].sort((a, b) => a - b);
  const isFull = sorted.length === (kind === fieldKinds.dayOfWeek ? 7 : kind.max - kind.min + 1);
  return { ok: true, values: sorted, isWhole: text === '*', isEvery: isFull || /^\*(\/\d+)?$/.test(text) };
}

function refuse(kind: FieldKind, text: string, why: string): ReadField {
  const shown = text.length > 50 ? `${text.slice(0, 50)}…` : text;
  const message = `${kind.name} "${shown}": ${why}; expected, for example, ${kind.example}`;
  return { ok: false, message };
}

/** The values of a part without commas, or why it is none. */
function readPart(kind: FieldKind, part: string): readonly number[] | string {
  const [span = '', step, ...more] = part.split('/');
  if (more.length > 0) return 'it has more than one /';
  if (step !== undefined && !/^[1-9]\d{0,3}$/.test(step)) return `/${step} is no step from 1 on`;
  const [first, last] = readSpan(kind, span);
  if (typeof first === 'string') return first;
  if (last === undefined && step !== undefined) {
    return `${span}/${step} is read differently by different crons: write ${span}-${topOf(kind)}/${step} or ${span}`;
  }
  const end = last ?? first;
  if (end < first) return `${span} ends before it begins: write ${span.split('-')[0]}-${topOf(kind)},…`;
  const every = Number(step ?? 1);
  return range(first, end).filter((value) => (value - first) % every === 0);
}

function topOf(kind: FieldKind): number {
  return kind === fieldKinds.dayOfWeek ? 6 : kind.max;
}

function readSpan(kind: FieldKind, span: string): [number | string, number?] {
  if (span === '*') return [kind.min, topOf(kind)];
  const bounds = span.split('-');
  if (bounds.length > 2) return ['it has more than one -'];
  const [first, end] = bounds.map((bound) => readValue(kind, bound));
  // mon-sun
  const last = kind === fieldKinds.dayOfWeek && end === 0 && first !== 0 ? 7 : end;
  if (first === undefined || Number.isNaN(first) || Number.isNaN(last ?? 0)) return [whyNoValue(kind, span)];
  return last === undefined ? [first] : [first, last];
}

/** NaN where it is none. */
function readValue({ min, max, names = [] }: FieldKind, text: string): number {
  const lower = text.toLowerCase();
  const named = names.findIndex((name) => name === lower || (lower.length === 3 && name.startsWith(lower)));
  if (named >= 0) return min + named;
  if (!/^\d{1,4}$/.test(text)) return Number.NaN;
  const value = Number(text);
  return value >= min && value <= max ? value : Number.NaN;
}

function whyNoValue(kind: FieldKind, span: string): string {
  if (span === '') return 'a value is missing';
  if (span === '?') return '? is not known here: write *';
  if (/^l|l$|w$/i.test(span)) return 'L and W (last, weekday) are not known to Temporal';
  return `${span.slice(0, 20)} is not from ${kind.min} to ${kind.max}${'names' in kind ? ', nor a name' : ''}`;
}
