import { afterAll } from 'vitest';
import type { BackfillView } from '../../graph/schedules/backfills.ts';
import { createStore } from '../../store/index.ts';
import type { NewBackfill } from '../../store/new-backfills.ts';
import { carryOut } from '../cli/use-cli.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useSql } from '../support/sql.ts';

export const actor = 'test';

export interface Made {
  readonly id: string;
  readonly workflowId: string;
  readonly project: string;
  readonly hour: number;
  readonly isSlot: boolean;
  readonly isOpen: boolean;
  readonly epoch: number;
}

/** A store whose backfills a test tends, and whose runs it carries out, without a watch and a workflow. */
export async function useBackfills() {
  const { databaseUrl } = await useDatabases();
  const store = createStore({ databaseUrl });
  afterAll(() => store.close());
  const sql = await useSql(databaseUrl);
  let made = 0;

  /** A project with an hourly schedule, and a backfill of ten hours of it. */
  async function makeBackfill(more: Partial<NewBackfill> = {}, { maxOpenRuns = 100 } = {}) {
    made += 1;
    const project = `p-${made}`;
    await pushNoops(store, project, { a: [] }, { maxOpenRuns });
    const written = { cron: '@hourly' };
    await store.schedules.create({ project, name: 's', written, paused: false, note: null, actor });
    return backfillOf(project, more);
  }

  async function backfillOf(project: string, more: Partial<NewBackfill> = {}): Promise<BackfillView> {
    return store.backfills.create({
      ...{ project, name: 's', window: { from: '2026-01-01T00:00', to: '2026-01-01T09:00' } },
      ...{ order: 'oldest', atOnce: 3, params: {}, again: false, note: null, actor },
      ...more,
    });
  }

  const tend = ({ id }: Pick<BackfillView, 'id'>) => store.backfills.tend({ id, actor: 'watch' });
  const get = ({ id }: Pick<BackfillView, 'id'>) => store.backfills.get(id);

  /** Its runs, in the order in which they were made. */
  const runsOf = ({ id }: Pick<BackfillView, 'id'>) =>
    sql.query<Made>(
      `SELECT id, workflow_id AS "workflowId", project_name AS project, extract(hour FROM scheduled_at AT TIME ZONE 'UTC')::int AS hour,
         is_slot AS "isSlot", completed_at IS NULL AS "isOpen", epoch
       FROM graph_run WHERE backfill_id = $1 ORDER BY created_at, id`,
      [id],
    );
  const hoursOf = async (backfill: Pick<BackfillView, 'id'>) =>
    (await runsOf(backfill)).map(({ hour }) => hour);

  /** Carries out what is open; a run at an hour of `failing` fails. */
  async function carryOutOpen(backfill: Pick<BackfillView, 'id'>, failing: readonly number[] = []) {
    for (const run of await runsOf(backfill)) {
      if (!run.isOpen) continue;
      const isFailing = failing.includes(run.hour);
      await carryOut(store, run, {
        a: isFailing ? { state: 'FAILED', reason: 'error' } : { state: 'SUCCESS', reason: null },
      });
    }
  }

  /** Until it has ended, as the watch does. */
  async function finish(
    backfill: Pick<BackfillView, 'id'>,
    failing: readonly number[] = [],
  ): Promise<BackfillView> {
    for (let rounds = 0; rounds < 20; rounds += 1) {
      await tend(backfill);
      if ((await get(backfill)).completedAt !== null) break;
      await carryOutOpen(backfill, failing);
    }
    return get(backfill);
  }

  async function eventsOf(project: string): Promise<string[]> {
    const { items } = await store.events.list({ after: 0, limit: 500, project });
    return items
      .filter(({ type }) => type === 'backfill')
      .map(({ reason, state, actor: by, note, schedule }) =>
        [reason, state, by, schedule, note].join(' ').trim(),
      );
  }

  async function carryOutAgain(backfill: Pick<BackfillView, 'id'>): Promise<void> {
    for (const { id, workflowId, project, isOpen, epoch } of await runsOf(backfill)) {
      if (!isOpen) continue;
      const runId = `${workflowId} again`;
      const identity = { workflowId, runId, firstExecutionRunId: runId };
      const asked = { project, params: {}, select: null, actor };
      await store.execution.openGraphRun({ identity, known: { graphRunId: id, epoch }, ...asked });
      await sql.query(
        `UPDATE job_run SET state = 'SUCCESS', reason = NULL, completed_at = now() WHERE graph_run_id = $1`,
        [id],
      );
      await store.execution.closeGraphRun(
        { runId, end: { state: 'SUCCESS', reason: null }, error: null, settle: [], actor },
        async () => new Map(),
      );
    }
  }
  return {
    store,
    sql,
    makeBackfill,
    backfillOf,
    tend,
    get,
    runsOf,
    hoursOf,
    carryOutOpen,
    carryOutAgain,
    finish,
    eventsOf,
  };
}
