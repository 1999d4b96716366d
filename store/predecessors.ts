// Which project a graph may start `after`.
import type pg from 'pg';
import { afterCycle, afterUnknown } from '../graph/after.ts';
import { CodedError, type Problem } from '../graph/errors.ts';

/** Two pushes at once must not close a circle that neither of them sees. */
const lockPredecessors = "SELECT pg_advisory_xact_lock(hashtext('graphrun.after'))";

/**
 * Refuses a predecessor that is not there, or that itself starts after this project. Before the project's row is locked.
 * @throws CodedError GRAPH_INVALID
 */
export async function checkPredecessors(
  client: pg.ClientBase,
  project: string,
  after: string,
): Promise<void> {
  await client.query(lockPredecessors);
  const found = await client.query<{ path: string[] }>(
    `WITH RECURSIVE above AS (
       SELECT name, after_project, ARRAY[name] AS path FROM project WHERE name = $1
       UNION ALL
       SELECT p.name, p.after_project, above.path || p.name FROM project p JOIN above ON p.name = above.after_project
       WHERE NOT p.name = ANY (above.path)
     )
     SELECT path FROM above ORDER BY cardinality(path)`,
    [after],
  );
  if (found.rows.length === 0) throw invalidAfter(afterUnknown(after));
  const circle = found.rows.find(({ path }) => path.at(-1) === project);
  if (circle) throw invalidAfter(afterCycle([project, ...circle.path]));
}

function invalidAfter(problem: Problem): CodedError {
  const message = `The graph cannot start after that project: ${problem.message}. Nothing was stored.`;
  return new CodedError('GRAPH_INVALID', message, { problems: [problem] });
}
