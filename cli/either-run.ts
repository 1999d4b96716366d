// Commands that take an id take either that of a graph run or that of a job run.
import { GraphrunError } from '../client/index.ts';

/** @throws GraphrunError when the id is that of neither */
export async function ofEitherRun<Answer>(
  id: string,
  ask: { graphRun(id: string): Promise<Answer>; jobRun(id: string): Promise<Answer> },
): Promise<Answer> {
  const answer = (await unlessUnknown(ask.graphRun(id))) ?? (await unlessUnknown(ask.jobRun(id)));
  if (answer === undefined) throw unknownRun(id);
  return answer;
}

export async function unlessUnknown<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    const isUnknown = error instanceof GraphrunError && /^(GRAPH|JOB)_RUN_UNKNOWN$/.test(error.code);
    if (isUnknown) return undefined;
    throw error;
  }
}

export function unknownRun(id: string): GraphrunError {
  const detail = `There is neither a graph run nor a job run ${id}; "graphrun runs" lists those there are.`;
  const title = 'There is no such run';
  return new GraphrunError({ type: 'about:blank', status: 404, code: 'GRAPH_RUN_UNKNOWN', title, detail });
}
