import type { z } from 'zod';
import type { ProblemCode } from './errors.ts';
import type { ParamSchema } from './graph.ts';
import type { ProblemList } from './problem-list.ts';
import { pointer } from './zod-problems.ts';

/** Where a part of a definition is, and how what is wrong with it is told. */
export interface PartPlace {
  readonly base?: string;
  readonly code?: ProblemCode;
  /** Issues that count; all unless told. */
  readonly counts?: (issue: z.core.$ZodIssue) => boolean;
}

/** What a schema makes of a value; undefined, with the problems told, where it refuses it. */
export function parsePart<Parsed>(
  schema: z.ZodType<Parsed>,
  value: unknown,
  problems: ProblemList,
  { base = '', code = 'SHAPE_INVALID', counts = () => true }: PartPlace = {},
): Parsed | undefined {
  try {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      if (counts(issue))
        problems.add(() => ({ code, path: base + pointer(issue.path), message: issue.message }));
    }
  } catch (error) {
    // zod hands the issues of a part on as arguments: of some hundred thousand the stack runs out.
    if (!(error instanceof RangeError)) throw error;
    problems.add(() => ({ code, path: base, message: 'more is wrong in here than can be listed' }));
  }
  return undefined;
}

/** Of an object that was refused, the fields that are right by themselves: what is wrong in these is to be found as well. */
export function parseFields<Parsed>(
  schema: z.ZodType<Parsed> & { readonly shape: Readonly<Record<string, z.ZodType>> },
  value: Readonly<Record<string, unknown>>,
): Parsed | undefined {
  const right = Object.entries(value).filter(([name, field]) => {
    const own = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    return own !== undefined && isRight(own, field);
  });
  return schema.safeParse(Object.fromEntries(right)).data;
}

function isRight(schema: z.ZodType, value: unknown): boolean {
  try {
    return schema.safeParse(value).success;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** By key, as they are written. */
export function jobsOf(input: unknown): [string, unknown][] {
  const jobs = typeof input === 'object' && input !== null && 'jobs' in input ? input.jobs : undefined;
  return typeof jobs === 'object' && jobs !== null && !Array.isArray(jobs) ? Object.entries(jobs) : [];
}

/** As far as they have the shape of parameters; what is of another is a problem already. */
export function paramsOf(input: unknown): Readonly<Record<string, ParamSchema>> {
  const params = isRecord(input) && isRecord(input.params) ? input.params : {};
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, schema]) => (isRecord(schema) ? [[name, schema]] : [])),
  );
}
