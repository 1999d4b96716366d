import type pg from 'pg';
import { isFinal } from '../graph/states.ts';
import { type JobRunRow, settleJobRun, type ToldEnd } from '../graph/transitions.ts';
import { insertEvents, type NewEvent } from './events.ts';
import type { Settle, SettledEnd } from './execution.ts';
import { endOf, type LockedJobRun, lockJobRuns, openTasks, updateJobRuns } from './job-run-rows.ts';
import { toJson } from './json.ts';
import { freeSlotsOf } from './pool-grants.ts';
import type { ShutOut } from './shut-out.ts';

/**
 * Ends jobs for what no attempt could tell, closing each one's fence: whatever an attempt writes later is too late. A
 * job that is recorded as final keeps what is recorded, and the answer says so.
 */
export async function settleJobs(
  client: pg.ClientBase,
  request: Settle,
  shut: ShutOut,
): Promise<SettledEnd[]> {
  const { ends, events } = await settleRows(client, request, shut);
  await insertEvents(client, events);
  return ends;
}

/** The rows alone; the events are for the caller to add as its transaction's last statement. */
export async function settleRows(
  client: pg.ClientBase,
  { runId, jobs, actor }: Settle,
  shut: ShutOut,
): Promise<{ ends: SettledEnd[]; events: NewEvent[] }> {
  if (jobs.length === 0) return { ends: [], events: [] };
  const rows = await lockJobRuns(
    client,
    jobs.map((job) => job.jobRunId),
  );
  const task = (await openTasks(client, [runId])).get(runId) ?? null;
  const at = new Date();
  const changed: JobRunRow[] = [];
  const events: NewEvent[] = [];
  const ends = jobs.map((job) => {
    const row = rows.get(job.jobRunId);
    if (!row) throw new Error(`job run ${job.jobRunId} does not exist`);
    const isOwn = task !== null && task.epoch === row.epoch && !isFinal(row.state);
    if (isOwn && job.ifBegun && row.fence?.runId !== runId) return { jobRunId: job.jobRunId, end: null };
    const verdict = settleJobRun(row, task, isOwn ? toldOrPublished(job, row, shut) : job, at);
    if (verdict.applies) {
      changed.push(verdict.row);
      events.push(eventOf(row, verdict.row, actor));
    }
    return { jobRunId: job.jobRunId, end: isFinal(verdict.row.state) ? endOf(verdict.row) : job.end };
  });
  await updateJobRuns(client, changed, actor);
  if (changed.length > 0) {
    const pools = await endOpenAttempts(client, changed);
    const ids = changed.map(({ id }) => id);
    events.push(...(await freeSlotsOf(client, ids, pools, actor)));
  }
  return { ends, events };
}

/** What has published has succeeded, though no attempt lived to tell. */
function toldOrPublished(told: ToldEnd, row: JobRunRow, shut: ShutOut): ToldEnd {
  const output = shut.publishedBy(row);
  return output === undefined ? told : { end: { state: 'SUCCESS', reason: null }, error: null, output };
}

/** What was still open of an ended job's attempts ended with it. Resolves with the pools that these jobs have to do with. */
async function endOpenAttempts(client: pg.ClientBase, rows: readonly JobRunRow[]): Promise<string[]> {
  const found = await client.query<{ pool: string }>(
    `WITH ended AS (
     UPDATE attempt a SET completed_at = now(), error = e.error,
       state = CASE e.state WHEN 'SUCCESS' THEN e.state ELSE 'FAILED' END,
       reason = CASE WHEN e.state = 'SUCCESS' THEN e.reason
                     WHEN e.reason IN ('error', 'timed_out', 'cancelled', 'terminated', 'lost') THEN e.reason
                     ELSE 'lost' END
     FROM unnest($1::uuid[], $2::run_state[], $3::text[], $4::jsonb[]) AS e (id, state, reason, error)
     WHERE a.job_run_id = e.id AND a.completed_at IS NULL)
     SELECT DISTINCT pool FROM pool_claim WHERE job_run_id = ANY ($1::uuid[])`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.state),
      rows.map((row) => row.reason),
      rows.map((row) => toJson(row.error)),
    ],
  );
  return found.rows.map(({ pool }) => pool);
}

function eventOf(locked: LockedJobRun, row: JobRunRow, actor: string): NewEvent {
  return {
    type: 'job_run',
    project: locked.project,
    graphRunId: locked.graphRunId,
    jobRunId: row.id,
    job: locked.job,
    state: row.state,
    reason: row.reason,
    epoch: row.epoch,
    attempt: row.attempts,
    actor,
  };
}
