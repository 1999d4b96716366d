import { z } from 'zod';
import { problemsOfZod } from './zod-problems.ts';

const project = z.string().min(1).max(100);

/**
 * The arguments of the workflows, as anyone may give them with the Temporal CLI. Checked loosely here: what the project,
 * the graph and the selection say of them is found out when the run is opened.
 */
const graphRunInputSchema = z
  .strictObject({
    project,
    params: z.record(z.string(), z.unknown()).optional(),
    select: z.array(z.string().max(1_000)).max(1_000).optional(),
    graphRunId: z.uuid().optional(),
  })
  .refine(isStorable, 'holds a NUL character, which Postgres cannot store');

const jobRunInputSchema = z
  .strictObject({
    project,
    job: z.string().min(1).max(100),
    params: z.record(z.string(), z.unknown()).optional(),
    jobRunId: z.uuid().optional(),
  })
  .refine(isStorable, 'holds a NUL character, which Postgres cannot store');

/** What a workflow's argument asks for; or why it cannot be read, with the project that it seems to mean. */
export type ReadInput<Input> =
  | { readonly ok: true; readonly input: Input }
  | { readonly ok: false; readonly message: string; readonly project: string };

export function readGraphRunInput(input: unknown): ReadInput<z.infer<typeof graphRunInputSchema>> {
  return read(graphRunInputSchema, input);
}

export function readJobRunInput(input: unknown): ReadInput<z.infer<typeof jobRunInputSchema>> {
  return read(jobRunInputSchema, input);
}

function read<Schema extends z.ZodType>(schema: Schema, input: unknown): ReadInput<z.infer<Schema>> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return { ok: true, input: parsed.data };
  const list = problemsOfZod(parsed.error).map((problem) => `${problem.path || 'input'}: ${problem.message}`);
  return {
    ok: false,
    message: `the workflow's input is not valid: ${list.join('; ')}`,
    project: projectNamed(input),
  };
}

/** To show beside why it cannot be run. */
function projectNamed(input: unknown): string {
  const named = typeof input === 'object' && input !== null && 'project' in input ? input.project : undefined;
  return typeof named === 'string' ? named : '';
}

function isStorable(input: object): boolean {
  return !JSON.stringify(input).includes('\\u0000');
}
