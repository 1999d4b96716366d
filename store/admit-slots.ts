// Which time of its schedule a run is of. The schedule's row is locked for that: of two executions one comes first.
import type pg from 'pg';
import {
  type Admission,
  admitSlot,
  type FiredSchedule,
  type FiredSlot,
  heldSince,
} from '../graph/schedules/admit-slot.ts';
import type { ScheduleDefinition } from '../graph/schedules/definition.ts';
import { defaultCatchUp, type Policies } from '../graph/schedules/policies.ts';
import { readSchedule } from '../graph/schedules/read-schedule.ts';
import type { NewEvent } from './events.ts';
import type { WorkflowIdentity } from './execution.ts';

/** What Temporal tells a workflow that a schedule has started. */
export interface Fired {
  /** The id of the schedule in Temporal. */
  readonly by: string;
  readonly at: Date;
  /** When the workflow was started. */
  readonly startedAt: Date;
}

/** As the row of a run has it. */
export interface RunSchedule {
  readonly scheduleId: string | null;
  readonly scheduledAt: Date;
  readonly isSlot: boolean;
}

export type Admitted =
  | { readonly isAdmitted: true; readonly schedule: RunSchedule; readonly events: readonly NewEvent[] }
  | { readonly isAdmitted: false; readonly why: string; readonly event: NewEvent };

interface FiredRow {
  readonly id: string;
  readonly name: string;
  readonly timezone: string;
  readonly definition: ScheduleDefinition;
  readonly form: string | null;
  readonly paused: boolean;
  readonly skipped: readonly Date[];
  readonly deleted_at: Date | null;
  readonly updated_at: Date;
  readonly defined_at: Date;
  readonly applied_at: Date | null;
  readonly held_until: Date | null;
  readonly now: Date;
}

export interface FiredRun {
  readonly project: string;
  readonly fired: Fired;
  readonly identity: Pick<WorkflowIdentity, 'workflowId' | 'firstExecutionRunId'>;
  /** Where it has a row already. */
  readonly graphRunId: string | null;
  readonly actor: string;
}

export async function admitFired(client: pg.ClientBase, run: FiredRun): Promise<Admitted> {
  const { project, fired, graphRunId, actor } = run;
  const found = await lockFired(client, run);
  // Another project's, or one that nobody has told of.
  if (!found) return unknown(fired);
  const { id: scheduleId, name } = found.row;
  const admission: Admission = admitSlot(found.schedule, found.slot);
  const event = { type: 'schedule', project, schedule: name, graphRunId, actor } as const;
  if (admission.admit === 'drop') {
    const note = `${fired.at.toISOString()}: ${admission.why}`;
    return { isAdmitted: false, why: admission.why, event: { ...event, reason: 'dropped', note } };
  }
  if (admission.admit === 'trigger') {
    return { isAdmitted: true, schedule: { scheduleId, scheduledAt: fired.at, isSlot: false }, events: [] };
  }
  const scheduledAt = new Date(admission.at);
  const isLater = admission.at !== fired.at.getTime();
  const note = `${fired.at.toISOString()} was missed; the run is of ${scheduledAt.toISOString()}`;
  return {
    isAdmitted: true,
    schedule: { scheduleId, scheduledAt, isSlot: true },
    events: isLater ? [{ ...event, reason: 'relabelled', note }] : [],
  };
}

/** Of one that is of no time, and was admitted before it could begin: times may have waited for it. */
export async function noteBegun(client: pg.ClientBase, run: FiredRun): Promise<void> {
  await lockFired(client, run);
}

interface Facts {
  readonly schedule: FiredSchedule;
  readonly slot: FiredSlot;
}

/** Notes what kept it from its begin until now, also where it will be dropped. */
async function lockFired(
  client: pg.ClientBase,
  run: FiredRun,
): Promise<(Facts & { readonly row: FiredRow }) | undefined> {
  const { project, fired } = run;
  const found = await client.query<FiredRow>(
    `SELECT s.id, s.name, s.definition, s.form, p.timezone, s.paused, s.skipped, s.deleted_at, s.updated_at,
       s.defined_at, clock_timestamp() AS now,
       CASE WHEN s.pushed_revision = s.revision THEN coalesce(s.pushed_at, s.updated_at) END AS applied_at,
       (SELECT max(upper(span)) FROM unnest(s.held) span WHERE span @> $3::timestamptz) AS held_until
     FROM schedule s JOIN project p ON p.id = s.project_id WHERE p.name = $1 AND s.temporal_id = $2
     ORDER BY s.deleted_at DESC NULLS FIRST LIMIT 1 FOR UPDATE OF s`,
    [project, fired.by, fired.at],
  );
  const [row] = found.rows;
  if (!row) return undefined;
  const facts = await readFacts(client, row, run);
  const since = heldSince(facts.schedule, facts.slot);
  if (since !== null) await noteHeld(client, { id: row.id, since: new Date(since), until: row.now });
  return { row, ...facts };
}

function unknown({ at }: Fired): Admitted {
  return { isAdmitted: true, schedule: { scheduleId: null, scheduledAt: at, isSlot: false }, events: [] };
}

/** Its own row may have come in between, by the watch: whoever inserts it as well finds that out. */
const others = 'schedule_id = $1 AND (workflow_id, first_execution_run_id) IS DISTINCT FROM ($3, $4)';
const ofItsOwn = `${others} AND backfill_id IS NULL`;

/** Of a schedule and a time of late: each reads few rows, however many runs it has had. */
export const slotQueries = {
  /** The time itself, and the newest ones after it: which of them are of runs. */
  taken: `SELECT scheduled_at FROM graph_run WHERE ${others} AND is_slot AND scheduled_at = $2
    UNION ALL (SELECT scheduled_at FROM graph_run WHERE ${others} AND is_slot AND scheduled_at > $2
      ORDER BY scheduled_at DESC LIMIT 100)`,
  /** A run that was open then. Temporal's policies know nothing of the runs of a backfill. */
  busy: `SELECT FROM (SELECT FROM graph_run WHERE ${ofItsOwn} AND started_at <= $2 AND completed_at IS NULL
    UNION ALL (SELECT FROM graph_run WHERE ${ofItsOwn} AND started_at <= $2 AND completed_at > $2
      ORDER BY completed_at LIMIT 1)) AS open LIMIT 1`,
} as const;

/** Of late: what Temporal has held back since longer ago has its run all the same. */
const heldKept = '30 days';

async function noteHeld(
  client: pg.ClientBase,
  { id, since, until }: { readonly id: string; readonly since: Date; readonly until: Date },
): Promise<void> {
  await client.query(
    `UPDATE schedule SET held = (held + tstzmultirange(tstzrange($2, $3)))
       * tstzmultirange(tstzrange(now() - '${heldKept}'::interval, NULL))
     WHERE id = $1`,
    [id, since, until],
  );
}

async function readFacts(
  client: pg.ClientBase,
  row: FiredRow,
  { fired: { at, startedAt }, identity: { workflowId, firstExecutionRunId } }: FiredRun,
): Promise<Facts> {
  const now = row.now.getTime();
  const read = readSchedule(row.definition, { timezone: row.timezone, now });
  if (!read.ok && row.form !== 'temporal') throw new Error(`schedule ${row.id} is stored, but is not valid`);
  const unread: Pick<Policies, 'catchUp' | 'overlap'> = { catchUp: defaultCatchUp, overlap: 'skip' };
  const { timing, policies } = read.ok ? read : { timing: null, policies: unread };
  const { catchUp, overlap } = policies;
  const values = [row.id, at, workflowId, firstExecutionRunId];
  const runs = await client.query<{ scheduled_at: Date }>(slotQueries.taken, values);
  const busy = await client.query(slotQueries.busy, values);
  return {
    schedule: {
      ...{ timing, catchUp, overlap, paused: row.paused, isDeleted: row.deleted_at !== null },
      changedAt: row.updated_at.getTime(),
      definedAt: row.defined_at.getTime(),
      appliedAt: row.applied_at?.getTime() ?? null,
      skipped: new Set(row.skipped.map((skip) => skip.getTime())),
    },
    slot: {
      ...{ at: at.getTime(), startedAt: startedAt.getTime(), now, wasBusy: busy.rows.length > 0 },
      heldUntil: row.held_until?.getTime() ?? null,
      taken: new Set(runs.rows.map((run) => run.scheduled_at.getTime())),
    },
  };
}
