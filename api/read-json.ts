// JSON.parse says nothing of what it loses: of two equal keys the first, of big integers the last digits. This does.
import { CodedError, type Problem, type ProblemCode } from '../graph/errors.ts';
import { ProblemList } from '../graph/problem-list.ts';
import { pointer } from '../graph/zod-problems.ts';

/** Deeper values are refused, since code that walks them would run out of stack. */
export const jsonDepthMax = 64;

export interface JsonDocument {
  readonly value: unknown;
  /** Duplicate keys, and what neither JSON.parse nor Postgres keeps as it was written. */
  readonly problems: readonly Problem[];
  /** How many more there are. */
  readonly unlisted: number;
}

type Frame =
  | { readonly kind: 'object'; readonly keys: Set<string>; key: string; awaitsKey: boolean }
  | { readonly kind: 'array'; index: number };

/**
 * Reads JSON in UTF-8, with the problems that a parser passes over.
 * @throws CodedError JSON_INVALID
 */
export function readJson(bytes: Uint8Array): JsonDocument {
  const text = decode(bytes);
  try {
    const value: unknown = JSON.parse(text);
    const { shown, unlisted } = findProblems(text);
    return { value, problems: shown, unlisted };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CodedError('JSON_INVALID', `The body is not JSON: ${error.message}.`, { cause: error });
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CodedError('JSON_INVALID', 'The body is not valid UTF-8; JSON is written in UTF-8.', {
      cause: error,
    });
  }
}

/** Walks text that JSON.parse has accepted: so every token that begins also ends. Iterative, whatever the depth. */
function findProblems(text: string): ProblemList {
  const problems = new ProblemList();
  const frames: Frame[] = [];
  const report = (code: ProblemCode, message: string) =>
    problems.add(() => ({ code, path: placeOf(frames), message }));
  const tokens = /["{}[\],:]|-?\d[\d.eE+-]*/g;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    const frame = frames.at(-1);
    const [mark] = token;
    if (mark === '{') frames.push({ kind: 'object', keys: new Set(), key: '', awaitsKey: true });
    else if (mark === '[') frames.push({ kind: 'array', index: 0 });
    else if (mark === '}' || mark === ']') frames.pop();
    else if (mark === ',' && frame?.kind === 'object') frame.awaitsKey = true;
    else if (mark === ',' && frame?.kind === 'array') frame.index += 1;
    else if (mark === ':' && frame?.kind === 'object') frame.awaitsKey = false;
    else if (mark === '"') {
      const end = endOfString(text, token.index);
      tokens.lastIndex = end;
      const string = unquote(text.slice(token.index, end));
      if (frame?.kind === 'object' && frame.awaitsKey) takeKey(frame, string, report);
      checkString(string, report);
    } else if (mark !== ',' && mark !== ':') checkNumber(mark, report);
    if (frames.length > jsonDepthMax) {
      throw new CodedError(
        'JSON_INVALID',
        `The body is nested deeper than ${jsonDepthMax} levels, which is the limit.`,
      );
    }
  }
  return problems;
}

type Report = (code: ProblemCode, message: string) => void;

function takeKey(frame: Frame & { kind: 'object' }, key: string, report: Report): void {
  frame.key = key;
  if (frame.keys.has(key))
    report('KEY_DUPLICATE', `the key ${show(key)} is there twice; each may be written once`);
  else if (key === '__proto__') report('SHAPE_INVALID', 'the name "__proto__" cannot be a key');
  frame.keys.add(key);
}

function checkString(string: string, report: Report): void {
  if (string.includes('\0'))
    report('SHAPE_INVALID', `${show(string)} holds a NUL character, which cannot be stored`);
  else if (!string.isWellFormed())
    report('SHAPE_INVALID', `${show(string)} holds half of a surrogate pair, which is no character`);
}

function checkNumber(written: string, report: Report): void {
  const value = Number(written);
  const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value);
  if (Number.isFinite(value) && !isRounded) return;
  report('SHAPE_INVALID', `the number ${written.slice(0, 40)} cannot be kept exactly; write it as a string`);
}

function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end + 1;
}

function unquote(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}

function placeOf(frames: readonly Frame[]): string {
  return pointer(frames.map((frame) => (frame.kind === 'object' ? frame.key : frame.index)));
}

function show(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
