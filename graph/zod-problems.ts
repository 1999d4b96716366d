import type { z } from 'zod';
import type { Problem, ProblemCode } from './errors.ts';

/** Turns zod's issues into problems, each with a JSON pointer below `base`. */
export function problemsOfZod(error: z.ZodError, base = '', code: ProblemCode = 'SHAPE_INVALID'): Problem[] {
  return error.issues.map((issue) => ({
    code,
    path: base + pointer(issue.path),
    message: issue.message,
  }));
}

/** A JSON pointer (RFC 6901) of a path's parts. */
export function pointer(parts: readonly PropertyKey[]): string {
  return parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
