// Graphs that start `after` another project's: the watch follows the successes of the feed, and makes the runs that they
// start in the transaction that notes how far it came. So each success starts each of them once.
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import { graphRunWorkflowId } from '../graph/workflow-ids.ts';
import { insertEvents, type NewEvent } from './events.ts';
import type { GraphCache } from './graph-cache.ts';
import { newId } from './ids.ts';
import { completeParams, insertGraphRun, pinGraph, planRun } from './new-runs.ts';

/** A run that has succeeded, and a project whose runs follow it; null where none do. */
interface Success {
  readonly number: string;
  readonly graph_run_id: string;
  readonly project: string;
  readonly follower: string | null;
}

const selectSuccesses = `
  SELECT e.number, e.graph_run_id, e.project, p.name AS follower
  FROM (
    SELECT number, graph_run_id, project, at FROM event
    WHERE type = 'graph_run' AND state = 'SUCCESS' AND number > $1 ORDER BY number LIMIT $2
  ) e
  LEFT JOIN project p ON p.after_project = e.project AND p.after_since <= e.at
  ORDER BY e.number, p.name`;

/** Starts what follows on the next successes, at most `most` of them; resolves with how many those were. */
export async function followSuccesses(
  client: pg.ClientBase,
  cache: GraphCache,
  most: number,
): Promise<number> {
  const watch = await client.query<{ followed_to: string }>(
    'SELECT followed_to FROM watch WHERE id = 1 FOR NO KEY UPDATE',
  );
  const { rows } = await client.query<Success>(selectSuccesses, [watch.rows[0]?.followed_to ?? 0, most]);
  const last = rows.at(-1);
  if (!last) return 0;
  const events: NewEvent[] = [];
  for (const { follower, ...success } of rows) {
    if (follower !== null) events.push(await followOrTell(client, cache, success, follower));
  }
  await client.query('UPDATE watch SET followed_to = $1 WHERE id = 1', [last.number]);
  await insertEvents(client, events);
  return new Set(rows.map(({ number }) => number)).size;
}

/** A run that is refused, such as for what its parameters are by default, is told in the feed: the next may be another's. */
async function followOrTell(
  client: pg.ClientBase,
  cache: GraphCache,
  success: Omit<Success, 'follower'>,
  project: string,
): Promise<NewEvent> {
  try {
    return await follow(client, cache, success, project);
  } catch (error) {
    // Nothing was written for it yet.
    if (!(error instanceof CodedError) || error.code === 'STORE_UNAVAILABLE') throw error;
    const note = error.message.slice(0, limits.noteChars);
    return { type: 'graph', project, reason: 'not_started', actor: `after ${success.project}`, note };
  }
}

/** A run of all jobs, with the defaults of its parameters, as if somebody had asked for it. */
async function follow(
  client: pg.ClientBase,
  cache: GraphCache,
  { graph_run_id: afterRunId, project: before }: Omit<Success, 'follower'>,
  project: string,
): Promise<NewEvent> {
  const id = newId();
  const actor = `after ${before}`;
  const pinned = await pinGraph(client, cache, project, 'FOR NO KEY UPDATE');
  const inserted = await insertGraphRun(client, {
    id,
    workflowId: graphRunWorkflowId(id, 1),
    firstExecutionRunId: null,
    project,
    pinned,
    plan: planRun(pinned.graph, null),
    params: completeParams(pinned.graph, {}),
    select: null,
    origin: 'after',
    afterRunId,
    actor,
  });
  return inserted.event;
}
