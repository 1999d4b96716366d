// `{{ params.x }}`, `{{ outputs.job.field }}` and `{{ run.scheduledAt }}` in the texts of a config: paths to values of the run,
// and nothing more.
import { pointer } from './zod-problems.ts';

/** A value of the run: of a parameter, of the output of a job, or of the run itself. */
export interface Reference {
  readonly from: 'params' | 'outputs' | 'run';
  /** The parameter or the job, or what of the run. */
  readonly name: string;
  readonly path: readonly string[];
  /** As it was written. */
  readonly text: string;
}

export interface Template {
  readonly parts: readonly (string | Reference)[];
  readonly problems: readonly string[];
}

/** Of a config: the place of each text with templates in it. */
export interface PlacedTemplate extends Template {
  readonly path: readonly PropertyKey[];
}

/** A literal holds the marker that it stands for. */
const marker = /\{\{(\s*(?:'\{\{'|"\{\{")\s*|[^{}]*)\}\}|\{\{/g;
const reference = /^(?:(params|outputs)\.([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_-]+)*)|(run)\.(scheduledAt))$/;
/** How the marker itself is written. */
const literal = /^(['"])\{\{\1$/;

/**
 * Reads what stands between the braces; undefined where it is no path to a value of the run.
 * @param text with the braces, as it was written
 */
export function readReference(inner: string, text: string): Reference | undefined {
  const [, from, name = '', path = '', run, fact = ''] = reference.exec(inner.trim()) ?? [];
  if (from === 'params' || from === 'outputs') return { from, name, path: path.split('.').slice(1), text };
  return run === 'run' ? { from: run, name: fact, path: [], text } : undefined;
}

export function parseTemplate(text: string): Template {
  const parts: (string | Reference)[] = [];
  const problems: string[] = [];
  let copied = 0;
  for (const { 0: found, 1: inner, index } of text.matchAll(marker)) {
    if (index > copied) parts.push(text.slice(copied, index));
    copied = index + found.length;
    const asked = inner === undefined ? undefined : readReference(inner, found);
    if (asked) parts.push(asked);
    else if (inner !== undefined && literal.test(inner.trim())) parts.push('{{');
    else {
      const near = JSON.stringify(text.slice(index, index + 40));
      problems.push(
        `expected {{ params.name }}, {{ outputs.job.field }} or {{ run.scheduledAt }}, found ${near} ("{{" itself is written {{ '{{' }})`,
      );
    }
  }
  if (copied < text.length) parts.push(text.slice(copied));
  return { parts, problems };
}

/**
 * Finds the texts of a config that hold templates.
 * @param own fields of the config that have a language of their own for `{{ }}`
 */
export function findTemplates(
  config: Readonly<Record<string, unknown>>,
  own: OwnTemplates = {},
): PlacedTemplate[] {
  const found: PlacedTemplate[] = [];
  const walk = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value === 'string') {
      if (value.includes('{{')) found.push({ path, ...parseTemplate(value) });
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) walk(item, [...path, index]);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        if (path.length > 0 || !Object.hasOwn(own, key)) walk(item, [...path, key]);
      }
    }
  };
  walk(config, []);
  return found;
}

/**
 * Of fields of a config that have a language of their own for `{{ }}`, by name: what their texts ask of the run. How the
 * values are put in is left to the kind.
 */
export type OwnTemplates = Readonly<Record<string, (text: string) => readonly Reference[]>>;

export function findOwnTemplates(
  config: Readonly<Record<string, unknown>>,
  own: OwnTemplates = {},
): PlacedTemplate[] {
  return Object.entries(own).flatMap(([field, read]) => {
    const text = config[field];
    return typeof text === 'string' ? [{ path: [field], parts: read(text), problems: [] }] : [];
  });
}

export function referencesOf(templates: readonly Template[]): Reference[] {
  return templates.flatMap(({ parts }) => parts.filter((part) => typeof part !== 'string'));
}

export interface RunValues {
  readonly params: Readonly<Record<string, unknown>>;
  /** By job; those without one are missing. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What is asked of it: `scheduledAt`. */
  readonly run?: Readonly<Record<string, unknown>>;
}

/** Why a config cannot be filled in. */
export class TemplateError extends Error {
  readonly path: string;

  constructor(path: readonly PropertyKey[], message: string) {
    super(message);
    this.path = pointer(path);
  }
}

/**
 * The config with its templates filled in: one that is a whole text gives the value as it is, one inside of a text is put in
 * as text.
 * @throws TemplateError where a value is missing, or all of it is too large
 */
export function fillTemplates(
  config: Readonly<Record<string, unknown>>,
  templates: readonly PlacedTemplate[],
  values: RunValues,
  charsMax: number,
): Record<string, unknown> {
  const filled = structuredClone(config);
  let chars = 0;
  for (const { path, parts } of templates) {
    const read = parts.map((part) => (typeof part === 'string' ? part : readValue(part, values, path)));
    const [first] = read;
    const isWhole = parts.length === 1 && typeof parts[0] !== 'string';
    const texts = read.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    chars += texts.reduce((sum, text) => sum + text.length, 0);
    if (chars > charsMax) {
      throw new TemplateError(
        path,
        `what is filled in has more than ${charsMax} characters; that is the limit`,
      );
    }
    put(filled, path, isWhole ? structuredClone(first) : texts.join(''));
  }
  return filled;
}

/** @throws TemplateError where it is missing */
export function readValue(
  { from, name, path, text }: Reference,
  values: RunValues,
  at: readonly PropertyKey[],
): unknown {
  const all = values[from] ?? {};
  if (!Object.hasOwn(all, name)) {
    const why =
      from === 'params' ? 'the run has no such parameter' : `job "${name}" has no output in this run`;
    throw new TemplateError(at, `${text}: ${why}`);
  }
  let value: unknown = all[name];
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) {
      throw new TemplateError(at, `${text}: there is no "${step}" in it`);
    }
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  return value;
}

function put(config: Record<string, unknown>, path: readonly PropertyKey[], value: unknown): void {
  let place: Record<PropertyKey, unknown> = config;
  for (const step of path.slice(0, -1)) place = place[step] as Record<PropertyKey, unknown>;
  place[path[path.length - 1] as PropertyKey] = value;
}
