import { serializerCompiler } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { CodedError, summarizeProblems } from '../../graph/errors.ts';
import { problemsOfZod } from '../../graph/zod-problems.ts';
import type { Api } from '../dependencies.ts';

/** Where a part of the request stands in the pointers of its problems; the body is the root. */
const pointerBase: Readonly<Record<string, string>> = {
  querystring: '/query',
  params: '/path',
  headers: '/headers',
};

/** Checks requests and replies with the zod schemas of their routes. */
export function useSchemas(app: Api): void {
  app.setSerializerCompiler(serializerCompiler);
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart = 'body' }) => (data: unknown) => {
    const parsed = safeParse(schema, data);
    if (parsed === undefined) {
      return { error: new CodedError('REQUEST_INVALID', 'The request has more problems than can be told.') };
    }
    if (parsed.success) return { value: parsed.data };
    const problems = problemsOfZod(parsed.error, pointerBase[httpPart]);
    const message = `The request is not valid: ${summarizeProblems(problems)}.`;
    return { error: new CodedError('REQUEST_INVALID', message, { problems }) };
  });
}

/** undefined: zod hands the issues of a part on as arguments, and of some hundred thousand the stack runs out. */
function safeParse(schema: z.ZodType, data: unknown): z.ZodSafeParseResult<unknown> | undefined {
  try {
    return schema.safeParse(data);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
