import type { z } from 'zod';
import type { ProblemCode } from './errors.ts';
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

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
