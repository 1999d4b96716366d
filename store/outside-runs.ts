// Runs that a Schedule, the Temporal CLI or the Web UI started: the row follows the workflow. Its worker and the watch may
// make it at the same time; the unique key of workflow id and first run id decides, and the loser finds the winner's row.
import pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { type Admitted, admitFired } from './admit-slots.ts';
import type { Database } from './database.ts';
import { insertEvents, type NewEvent } from './events.ts';
import type { RejectGraphRun } from './execution.ts';
import type { GraphCache } from './graph-cache.ts';
import { newId } from './ids.ts';
import { toJson, toText } from './json.ts';
import { completeParams, insertGraphRun, insertLoneJobRun, pinGraph, planRun } from './new-runs.ts';
import type { OutsideGraphRun, OutsideJobRun } from './watching.ts';

/** Where the workflow itself asks for its row, it is the one who makes it. */
type Asked<Run extends { readonly createdBy: string }> = Omit<Run, 'createdBy'> & {
  readonly createdBy?: string;
};

export async function recordGraphRun(
  database: Database,
  cache: GraphCache,
  run: OutsideGraphRun,
): Promise<boolean> {
  try {
    return await database.transaction(async (client) => {
      const made = await insertOutsideGraphRun(client, cache, run);
      // What makes no run is for its worker to tell.
      if (made.isAdmitted) await insertEvents(client, made.events);
      return made.isAdmitted;
    });
  } catch (error) {
    if (isTaken(error)) return false;
    if (!isRefusal(error)) throw error;
    return database.transaction((client) => insertInvalidRun(client, run, error));
  }
}

export async function recordJobRun(
  database: Database,
  cache: GraphCache,
  run: OutsideJobRun,
): Promise<boolean> {
  try {
    await database.transaction(async (client) =>
      insertEvents(client, await insertOutsideJobRun(client, cache, run)),
    );
    return true;
  } catch (error) {
    if (isTaken(error) || isRefusal(error)) return false;
    throw error;
  }
}

/** A refusal ends the run as FAILED/invalid; all else is tried again. */
export function isRefusal(error: unknown): error is CodedError {
  return error instanceof CodedError && error.status >= 400 && error.status < 500;
}

/** Looks again when another has made the row in between. */
export async function orFindIt<Found>(look: () => Promise<Found>): Promise<Found> {
  try {
    return await look();
  } catch (error) {
    if (isTaken(error)) return look();
    throw error;
  }
}

const keys = [
  'graph_run_workflow_id_first_execution_run_id_key',
  'graph_run_slot',
  'job_run_one_of_execution',
];

function isTaken(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505' && keys.includes(error.constraint ?? '');
}

export async function rejectGraphRun(database: Database, request: RejectGraphRun): Promise<boolean> {
  const project = toText(request.project).slice(0, projectCharsMax);
  const shown = { ...request, project, params: {}, select: null };
  const error = new CodedError('REQUEST_INVALID', request.message);
  return database.transaction((client) => insertInvalidRun(client, shown, error));
}

const projectCharsMax = 100;

/** What is to be told of it, by whoever ends its transaction; why there is none: a time of a schedule that makes no run. */
export type MadeOutside =
  | { readonly isAdmitted: true; readonly events: readonly NewEvent[] }
  | { readonly isAdmitted: false; readonly events: readonly NewEvent[]; readonly why: string };

/** @throws CodedError where it cannot be run */
export async function insertOutsideGraphRun(
  client: pg.ClientBase,
  cache: GraphCache,
  { identity, project, params: given, select, scheduled, actor, createdBy = actor }: Asked<OutsideGraphRun>,
): Promise<MadeOutside> {
  const { workflowId, firstExecutionRunId } = identity;
  const pinned = await pinGraph(client, cache, project);
  const params = completeParams(pinned.graph, given);
  const plan = planRun(pinned.graph, select);
  const admitted =
    scheduled && (await admitFired(client, { project, fired: scheduled, identity, graphRunId: null, actor }));
  if (admitted && !admitted.isAdmitted) return dropped(admitted);
  const chosen = { project, pinned, plan, params, select };
  const origin = admitted?.schedule.scheduleId ? 'schedule' : 'temporal';
  const made = { id: newId(), origin, actor: createdBy, ...admitted?.schedule } as const;
  const { event } = await insertGraphRun(client, { workflowId, firstExecutionRunId, ...chosen, ...made });
  const told = (admitted?.events ?? []).map((each) => ({ ...each, graphRunId: made.id }));
  return { isAdmitted: true, events: [{ ...event, actor }, ...told] };
}

export function dropped({ why, event }: Extract<Admitted, { isAdmitted: false }>): MadeOutside {
  return { isAdmitted: false, events: [event], why };
}

/** @throws CodedError where it cannot be run */
export async function insertOutsideJobRun(
  client: pg.ClientBase,
  cache: GraphCache,
  { identity, project, job, params, actor, createdBy = actor }: Asked<OutsideJobRun>,
): Promise<NewEvent[]> {
  const { workflowId, firstExecutionRunId } = identity;
  const pinned = await pinGraph(client, cache, project);
  const made = { id: newId(), origin: 'temporal', actor: createdBy } as const;
  const row = { workflowId, firstExecutionRunId, project, job, params, pinned, ...made };
  const { event } = await insertLoneJobRun(client, row);
  return [{ ...event, actor }];
}

/** The row of a run that cannot be: it shows what was asked for, and why it is refused. False where it is there. */
export async function insertInvalidRun(
  client: pg.ClientBase,
  { identity, project, params, select, actor, createdBy = actor }: Asked<OutsideGraphRun>,
  error: CodedError,
): Promise<boolean> {
  const id = newId();
  const found = await client.query<{ id: string }>('SELECT id FROM project WHERE name = $1', [project]);
  const inserted = await client.query(
    `INSERT INTO graph_run (id, project_id, project_name, state, reason, error, params, "select", selective, origin,
                            workflow_id, first_execution_run_id, created_by, updated_by, completed_at)
     VALUES ($1, $2, $3, 'FAILED', 'invalid', $4, $5, $6, $7, 'temporal', $8, $9, $10, $10, now())
     ON CONFLICT (workflow_id, first_execution_run_id) DO NOTHING`,
    [
      id,
      found.rows[0]?.id ?? null,
      project,
      toJson({ type: error.name, code: error.code, message: error.message }),
      JSON.stringify(params),
      select ?? [],
      select !== null,
      identity.workflowId,
      identity.firstExecutionRunId,
      createdBy,
    ],
  );
  if (inserted.rowCount === 0) return false;
  const event = {
    type: 'graph_run',
    project,
    graphRunId: id,
    state: 'FAILED',
    reason: 'invalid',
    epoch: 1,
  } as const;
  await insertEvents(client, [{ ...event, actor }]);
  return true;
}
