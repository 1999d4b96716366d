// Commands that take an id take either that of a graph run or that of a job run.
import { GraphrunError } from '../client/index.ts';
import type { Session } from './command.ts';
import { UsageError } from './exit-codes.ts';

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

/** For commands that take a run of one kind only: says so of the id of the other kind. */
export async function ofOneRun<Answer>(
  { client }: Pick<Session, 'client'>,
  id: string,
  of: 'graph run' | 'job run',
  ask: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const isUnknown = error instanceof GraphrunError && /^(GRAPH|JOB)_RUN_UNKNOWN$/.test(error.code);
    const { graphRuns, jobRuns } = client;
    const other = of === 'graph run' ? jobRuns.get : graphRuns.get;
    if (!isUnknown || !(await unlessUnknown<unknown>(other(id)))) throw error;
    const [is, advice] =
      of === 'graph run'
        ? ['a job run', `"graphrun show ${id}" tells its graph run`]
        : ['a graph run', `"graphrun show ${id}" tells the ids of its job runs`];
    throw new UsageError(`${id} is ${is}, and this takes the id of a ${of}: ${advice}.`);
  }
}
