// A job that was run alone and has failed goes on as the same job run, at its next epoch: its attempts stay together. The row
// first, as for a new one: its workflow is started afterwards.
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { JobRunDetail } from '../graph/resources.ts';
import type { RunState } from '../graph/states.ts';
import { jobRunWorkflowId } from '../graph/workflow-ids.ts';
import type { GraphCache } from './graph-cache.ts';
import { isId } from './ids.ts';
import { readJobRun, unknownJobRun } from './job-runs.ts';
import type { JobRunToStart } from './store.ts';

export interface JobRunResume {
  readonly id: string;
  readonly actor: string;
}

/** With what its start needs. */
export type ResumedJobRun = JobRunDetail & JobRunToStart;

interface Row {
  readonly project: string;
  readonly job: string;
  readonly graphRunId: string | null;
  readonly state: RunState;
  readonly isOpen: boolean;
  readonly epoch: number;
}

export async function resumeJobRun(client: pg.ClientBase, cache: GraphCache, { id, actor }: JobRunResume) {
  if (!isId(id)) throw unknownJobRun(id);
  // Before the job run: a delete of the project waits until this is open again, and then refuses.
  await client.query(
    'SELECT FROM project WHERE id = (SELECT project_id FROM job_run WHERE id = $1) FOR SHARE',
    [id],
  );
  const found = await client.query<Row>(
    `SELECT p.name AS project, j.key AS job, r.graph_run_id AS "graphRunId", r.state, r.completed_at IS NULL AS "isOpen",
       r.epoch
     FROM job_run r JOIN job j ON j.id = r.job_id JOIN project p ON p.id = r.project_id WHERE r.id = $1 FOR UPDATE OF r`,
    [id],
  );
  const [row] = found.rows;
  if (!row) throw unknownJobRun(id);
  refuse(id, row);
  const { project, job } = row;
  const epoch = row.epoch + 1;
  const workflowId = jobRunWorkflowId(id, epoch);
  await client.query(
    `UPDATE job_run SET state = 'PENDING', reason = NULL, error = NULL, epoch = $2, workflow_id = $3,
       first_execution_run_id = NULL, fence_run_id = NULL, fence_scheduled_at = NULL, started_at = NULL, completed_at = NULL,
       updated_by = $4
     WHERE id = $1`,
    [id, epoch, workflowId, actor],
  );
  const shown = await readJobRun(client, { load: (...of) => cache.load(client, ...of) }, id);
  const made: ResumedJobRun = { ...shown, workflowId };
  const told = { type: 'job_run', project, jobRunId: id, job, state: 'PENDING', epoch, actor } as const;
  return { made, events: [told] };
}

function refuse(id: string, { graphRunId, isOpen, state, job }: Row): void {
  if (graphRunId !== null) {
    const message = `The job run ${id} is part of the graph run ${graphRunId}: "graphrun resume ${graphRunId} --from ${job}" runs it again.`;
    throw new CodedError('JOB_RUN_IN_GRAPH_RUN', message, { data: { graphRunId } });
  }
  if (isOpen)
    throw new CodedError('RUN_IS_OPEN', `The job run ${id} is ${state}; it is resumed once it has ended.`);
  if (state === 'SUCCESS') {
    const message = `The job run ${id} has succeeded: there is nothing to go on with. Run the job anew to have it done again.`;
    throw new CodedError('NOTHING_TO_RESUME', message);
  }
}
