// Graphs that start after another project's: `after` names that project.
import type { Problem } from './errors.ts';
import type { ParamSchema } from './graph.ts';
import type { ProblemList } from './problem-list.ts';
import { pointer } from './zod-problems.ts';

export interface AfterDefinition {
  readonly project: string;
  readonly after?: string | undefined;
}

/** Nobody gives such a run its parameters, so that each needs a default. */
export function checkAfter(
  { project, after }: AfterDefinition,
  params: Readonly<Record<string, ParamSchema>>,
  problems: ProblemList,
): void {
  if (after === undefined) return;
  if (after === project) problems.add(() => afterCycle([project, project]));
  for (const name of Object.keys(params).filter((name) => !Object.hasOwn(params[name] ?? {}, 'default'))) {
    const message = `"${name}" has no default; runs that start after those of "${after}" are given no parameters, so each needs one`;
    problems.add(() => ({ code: 'PARAM_MISSING', path: pointer(['params', name]), message }));
  }
}

/** `names`: each starts after the next; the last is the first. */
export function afterCycle(names: readonly string[]): Problem {
  const message = `projects would start each other without end: ${[...names].reverse().join(' -> ')}`;
  return { code: 'GRAPH_CYCLE', path: '/after', message };
}

export function afterUnknown(after: string): Problem {
  return {
    code: 'PROJECT_UNKNOWN',
    path: '/after',
    message: `there is no project "${after}"; make it first`,
  };
}
