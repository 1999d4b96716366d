import type { GraphRunDetail, JobRunView } from '../../client/index.ts';

const id = '0198c5a2-7b1e-7000-8000-000000000001';
const createdAt = '2025-01-01T00:00:00.000Z';

/** A job run of the API, PENDING unless told. */
export function jobRun(of: Partial<JobRunView>): JobRunView {
  return {
    id,
    project: 'flights',
    job: 'airports',
    kind: 'upload',
    graphRunId: id,
    state: 'PENDING',
    reason: null,
    error: null,
    epoch: 1,
    reused: false,
    attempts: 0,
    cancelRequest: null,
    createdAt,
    createdBy: 'key:test',
    startedAt: null,
    completedAt: null,
    ...of,
  };
}

/** A graph run of the API, PENDING unless told; its counts follow from its job runs. */
export function graphRun(of: Partial<GraphRunDetail>): GraphRunDetail {
  const jobRuns = of.jobRuns ?? [jobRun({})];
  const jobCounts = { PENDING: 0, RUNNING: 0, FAILED: 0, SUCCESS: 0 };
  for (const { state } of jobRuns) jobCounts[state] += 1;
  return {
    id,
    project: 'flights',
    version: 1,
    state: 'PENDING',
    reason: null,
    error: null,
    params: {},
    select: null,
    origin: 'api',
    afterRunId: null,
    schedule: null,
    scheduledAt: null,
    backfillId: null,
    epoch: 1,
    workflowId: `graph-run/${id}/1`,
    cancelRequest: null,
    pause: null,
    createdAt,
    createdBy: 'key:test',
    startedAt: null,
    completedAt: null,
    tasks: [],
    droppedJobs: [],
    ...of,
    jobCounts,
    jobRuns,
  };
}
