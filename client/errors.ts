import type { ProblemView } from '../graph/resources.ts';

/** One thing that is wrong with an input: where, as a JSON pointer, and what. */
export type InputProblem = NonNullable<ProblemView['problems']>[number];

/** The server refused a request, or failed at it. Branch on `code`, which is stable; `message` is for people. */
export class GraphrunError extends Error {
  override readonly name = 'GraphrunError';
  readonly status: number;
  readonly code: string;
  readonly title: string;
  /** All that is wrong with the input; empty where the message says it all. */
  readonly problems: readonly InputProblem[];
  /** Facts of the message, for programs; empty for most errors. */
  readonly data: NonNullable<ProblemView['data']>;

  constructor(problem: ProblemView) {
    super(problem.detail);
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.problems = problem.problems ?? [];
    this.data = problem.data ?? {};
  }
}

/**
 * Nothing that is a Graphrun server answered at the URL. Whether a request that writes was carried out is not known, but
 * all of them may be sent again: a POST with the same `idempotencyKey`, the others as they are.
 */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable';
  readonly url: string;
  readonly reason: string;

  constructor(url: string, reason: string, cause?: unknown) {
    super(`${url} cannot be reached: ${reason}`, cause === undefined ? undefined : { cause });
    this.url = url;
    this.reason = reason;
  }
}

/** True when the same request may well succeed later. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof ServerUnreachable ||
    (error instanceof GraphrunError && (error.status >= 500 || error.status === 429))
  );
}
