// A reset gives a workflow a new execution that goes on from some point of the old one. Whoever meets its run id first
// adopts it: one transaction under the run's row lock.
import type pg from 'pg';
import type { AskedSlots } from '../graph/asked-slots.ts';
import { isFinal, type RunState } from '../graph/states.ts';
import type { HistoryEnd } from '../graph/transitions.ts';
import { readWorkflowId } from '../graph/workflow-ids.ts';
import { insertEvents, type NewEvent } from './events.ts';
import type { WorkflowIdentity } from './execution.ts';
import type { GraphCache } from './graph-cache.ts';
import { type LockedJobRun, lockJobRuns } from './job-run-rows.ts';
import { keepClaims } from './keep-claims.ts';
import { restoreRecorded } from './restore-recorded.ts';
import { settleRows } from './settle-jobs.ts';
import { type BegunJobRun, nothingShutOut, readBegun, type ShutOut } from './shut-out.ts';

export interface Adoption {
  readonly identity: WorkflowIdentity;
  /** Jobs that had ended in the history that the new execution begins with, by key: they are kept. */
  readonly kept: ReadonlyMap<string, HistoryEnd>;
  /** What jobs were answered in it that asked for slots of pools, by key. */
  readonly asked: ReadonlyMap<string, AskedSlots>;
  /** Which the run was at before Temporal was asked whether this is the workflow's latest execution. */
  readonly epoch: number;
  readonly actor: string;
}

export type Adopted =
  | { readonly outcome: 'adopted'; readonly epoch: number }
  /** It is a Task of the run already. */
  | { readonly outcome: 'known' }
  /** Another execution was adopted meanwhile; which of the two is the later one is to be asked again. */
  | { readonly outcome: 'moved' }
  /** No run was ever carried out under this workflow. */
  | { readonly outcome: 'stranger' };

interface Subject {
  readonly type: 'graph_run' | 'job_run';
  readonly id: string;
  readonly project: string;
  readonly state: RunState;
  readonly epoch: number;
}

export async function adoptRun(
  client: pg.ClientBase,
  cache: GraphCache,
  adoption: Adoption,
  shut: ShutOut,
): Promise<Adopted> {
  const { identity, actor } = adoption;
  const subject = (await shareProject(client, identity)) ? await lockSubject(client, identity) : undefined;
  if (!subject) return { outcome: 'stranger' };
  const tasks = await client.query<{ run_id: string }>(
    `SELECT run_id FROM task WHERE ${subject.type}_id = $1 AND first_execution_run_id = $2`,
    [subject.id, identity.firstExecutionRunId],
  );
  if (tasks.rows.some((task) => task.run_id === identity.runId)) return { outcome: 'known' };
  // A run that was never opened under this first execution is not reset: its own workflow opens it.
  if (tasks.rows.length === 0) return { outcome: 'stranger' };
  if (subject.epoch !== adoption.epoch) return { outcome: 'moved' };
  const epoch = subject.epoch + 1;
  await client.query(
    `UPDATE task SET closed_at = now(), closed_by = $2 WHERE ${subject.type}_id = $1 AND closed_at IS NULL`,
    [subject.id, actor],
  );
  await client.query(
    `INSERT INTO task (run_id, workflow_id, first_execution_run_id, ${subject.type}_id, epoch, opened_by)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [identity.runId, identity.workflowId, identity.firstExecutionRunId, subject.id, epoch, actor],
  );
  const events = await sendBack(client, cache, subject, { ...adoption, epoch, shut });
  if (subject.type === 'graph_run') {
    await client.query(
      `UPDATE graph_run SET state = 'RUNNING', reason = NULL, error = NULL, completed_at = NULL, epoch = $2, updated_by = $3,
         pause_told = 0, started_at = coalesce(started_at, now()) WHERE id = $1`,
      [subject.id, epoch, actor],
    );
    events.push({
      type: 'graph_run',
      project: subject.project,
      graphRunId: subject.id,
      state: 'RUNNING',
      epoch,
      actor,
    });
  }
  await insertEvents(client, events);
  return { outcome: 'adopted', epoch };
}

/** The epoch of the run that a workflow carries out; null where there is none. */
export async function epochOfRun(
  client: Pick<pg.Pool, 'query'>,
  identity: WorkflowIdentity,
): Promise<number | null> {
  const found = await client.query<{ epoch: number }>(
    `SELECT epoch FROM graph_run r WHERE ${isOfWorkflow}
     UNION ALL SELECT epoch FROM job_run r WHERE r.graph_run_id IS NULL AND ${isOfWorkflow}`,
    ownOf(identity),
  );
  return found.rows[0]?.epoch ?? null;
}

/** A run by its id, read out of the workflow's own; one from outside by the workflow and its first execution. */
const isOfWorkflow =
  '(r.id = $1 OR ($1::uuid IS NULL AND r.workflow_id = $2 AND r.first_execution_run_id = $3))';

function ownOf({ workflowId, firstExecutionRunId }: WorkflowIdentity): (string | null)[] {
  return [readWorkflowId(workflowId)?.id ?? null, workflowId, firstExecutionRunId];
}

/** Attempts that an adoption supersedes; none where another one has done so already. */
export async function begunOfRun(
  client: Pick<pg.Pool, 'query'>,
  { identity, epoch }: Adoption,
): Promise<BegunJobRun[]> {
  const ofRun = `r.epoch <= $4 AND r.id IN (
    SELECT j.id FROM graph_run r JOIN job_run j ON j.graph_run_id = r.id WHERE ${isOfWorkflow}
    UNION ALL
    SELECT r.id FROM job_run r WHERE r.graph_run_id IS NULL AND ${isOfWorkflow})`;
  return readBegun(client, ofRun, [...ownOf(identity), epoch]);
}

/** Before the run, as those who delete it lock it: a delete of the project waits until the run is open, and then refuses. */
async function shareProject(client: pg.ClientBase, identity: WorkflowIdentity): Promise<boolean> {
  const found = await client.query(
    `SELECT FROM project WHERE id IN (
       SELECT project_id FROM graph_run r WHERE ${isOfWorkflow}
       UNION ALL SELECT project_id FROM job_run r WHERE r.graph_run_id IS NULL AND ${isOfWorkflow}) FOR SHARE`,
    ownOf(identity),
  );
  return found.rows.length > 0;
}

async function lockSubject(client: pg.ClientBase, identity: WorkflowIdentity): Promise<Subject | undefined> {
  const own = ownOf(identity);
  const found = await client.query<Subject>(
    `SELECT 'graph_run' AS type, id, project_name AS project, state, epoch FROM graph_run r
     WHERE ${isOfWorkflow} FOR UPDATE`,
    own,
  );
  if (found.rows[0])
    return found.rows[0].state === 'FAILED' ? refuseInvalid(client, found.rows[0]) : found.rows[0];
  const lone = await client.query<Subject>(
    `SELECT 'job_run' AS type, r.id, p.name AS project, r.state, r.epoch FROM job_run r JOIN project p ON p.id = r.project_id
     WHERE r.graph_run_id IS NULL AND ${isOfWorkflow} FOR UPDATE OF r`,
    own,
  );
  return lone.rows[0];
}

/** An invalid run has no graph to go on with. */
async function refuseInvalid(client: pg.ClientBase, subject: Subject): Promise<Subject | undefined> {
  const found = await client.query("SELECT FROM graph_run WHERE id = $1 AND reason = 'invalid'", [
    subject.id,
  ]);
  return found.rowCount ? undefined : subject;
}

async function lockRowsOf(client: pg.ClientBase, subject: Subject): Promise<LockedJobRun[]> {
  const column = subject.type === 'graph_run' ? 'graph_run_id' : 'id';
  const ids = await client.query<{ id: string }>(`SELECT id FROM job_run WHERE ${column} = $1`, [subject.id]);
  return [
    ...(
      await lockJobRuns(
        client,
        ids.rows.map((row) => row.id),
      )
    ).values(),
  ];
}

/** Jobs that the new execution will run again are as they were before it. */
async function sendBack(
  client: pg.ClientBase,
  cache: GraphCache,
  subject: Subject,
  adoption: Adoption & { readonly epoch: number; readonly shut: ShutOut },
): Promise<NewEvent[]> {
  const { epoch, shut } = adoption;
  const resumedAt = readWorkflowId(adoption.identity.workflowId)?.epoch ?? 1;
  const rows = (await lockRowsOf(client, subject)).filter((row) => {
    // What a resume kept is not in the history of its workflow, nor what it was told to take for done.
    return row.epoch >= resumedAt && row.reason !== 'marked' && !isKept(row, adoption);
  });
  // What the old execution had published does not count in the new one; that no attempt has begun since does.
  for (const row of rows) if (!isFinal(row.state)) shut.publishedBy(row);
  const ids = rows.map((row) => row.id);
  await client.query(
    `UPDATE attempt SET state = 'FAILED', reason = 'lost', completed_at = now()
     WHERE job_run_id = ANY ($1::uuid[]) AND completed_at IS NULL`,
    [ids],
  );
  await client.query(
    `UPDATE job_run SET state = 'PENDING', reason = NULL, error = NULL, output = NULL, output_hash = NULL,
       output_bytes = NULL, epoch = $2, fence_run_id = NULL, fence_scheduled_at = NULL, started_at = NULL,
       completed_at = NULL, updated_by = $3
     WHERE id = ANY ($1::uuid[])`,
    [ids, epoch, adoption.actor],
  );
  const granted = await keepClaims(client, cache, {
    jobRunIds: ids,
    asked: askedOf(rows, adoption),
    actor: adoption.actor,
  });
  const told = rows.flatMap((row) => {
    const end = adoption.kept.get(row.job);
    return end ? [{ jobRunId: row.id, ...end }] : [];
  });
  const { runId } = adoption.identity;
  const settled = await settleRows(client, { runId, jobs: told, actor: adoption.actor }, nothingShutOut);
  await restoreRecorded(client, told);
  const waiting = rows.filter((row) => row.state !== 'PENDING' && !adoption.kept.has(row.job));
  const events = waiting.map(
    (row): NewEvent => ({
      type: 'job_run',
      project: row.project,
      graphRunId: row.graphRunId,
      jobRunId: row.id,
      job: row.job,
      state: 'PENDING',
      epoch,
      actor: adoption.actor,
    }),
  );
  return [...events, ...settled.events, ...granted];
}

/** By job run, of those that begin anew. */
function askedOf(rows: readonly LockedJobRun[], { kept, asked }: Adoption): ReadonlyMap<string, AskedSlots> {
  return new Map(
    rows.flatMap(({ id, job }) => {
      const answer = kept.has(job) ? undefined : asked.get(job);
      return answer ? [[id, answer] as const] : [];
    }),
  );
}

/**
 * Ended by the history and by the row alike. A row that an earlier reset sent back, or that has ended otherwise since, is
 * given its end again.
 */
function isKept(row: LockedJobRun, { kept }: Adoption): boolean {
  const told = kept.get(row.job);
  if (!told || row.state !== told.end.state) return false;
  return told.recordedIn === null || (row.output?.hash ?? null) === told.hash;
}
