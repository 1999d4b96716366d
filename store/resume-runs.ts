// A run that has ended goes on at its next epoch: what runs again goes back to PENDING, what is kept stays as it is. The
// row first, as for a new run: its workflow is started afterwards.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { Params } from '../graph/graph.ts';
import { makePlan, type Plan } from '../graph/plan.ts';
import type { GraphRunView, ResumePlanView } from '../graph/resources.ts';
import { type PlannedJob, planResume } from '../graph/resume.ts';
import { graphRunWorkflowId } from '../graph/workflow-ids.ts';
import type { Database } from './database.ts';
import type { NewEvent } from './events.ts';
import type { GraphCache } from './graph-cache.ts';
import { unknownGraphRun } from './graph-runs.ts';
import { answerOnce } from './idempotency.ts';
import { isId, jobRunIdOf } from './ids.ts';
import { lockJobRuns } from './job-run-rows.ts';
import { applyMarks } from './mark-jobs.ts';
import { insertJobRuns } from './new-runs.ts';
import { type ResumeChoice, type RunToResume, readResumeFacts, readRunToResume } from './resume-facts.ts';
import { type JobRunResume, type ResumedJobRun, resumeJobRun } from './resume-job-runs.ts';
import { isFull, lockLine } from './run-line.ts';
import { type GraphRunRow, selectGraphRun, toGraphRunView } from './run-views.ts';
import type { Once } from './store.ts';

export interface Resume extends ResumeChoice {
  /** Of the plan that is to be applied; null: whatever the plan is now. */
  readonly plan: string | null;
  readonly actor: string;
}

export interface Resumes {
  /**
   * Which jobs of a run would run again, and why.
   * @throws CodedError GRAPH_RUN_UNKNOWN, RUN_INVALID, RUN_IS_OPEN, SELECTION_INVALID, PARAMS_INVALID
   */
  plan(id: string, choice: ResumeChoice): Promise<ResumePlanView>;
  /**
   * Applies the plan: the run is PENDING at its next epoch.
   * @throws CodedError as `plan` does, and PLAN_OUTDATED, NOTHING_TO_RESUME
   */
  resume(id: string, request: Resume, once?: Once<GraphRunView>): Promise<GraphRunView>;
  /**
   * Goes on with a job that was run alone and has failed: it is PENDING at its next epoch.
   * @throws CodedError JOB_RUN_UNKNOWN, JOB_RUN_IN_GRAPH_RUN, RUN_IS_OPEN, NOTHING_TO_RESUME
   */
  resumeJobRun(request: JobRunResume, once?: Once<ResumedJobRun>): Promise<ResumedJobRun>;
}

export function createResumes(database: Database, cache: GraphCache): Resumes {
  return {
    plan: (id, choice) =>
      database.snapshot(async (client) => {
        if (!isId(id)) throw unknownGraphRun(id);
        const run = await readRunToResume(client, id, '');
        return (await makeResumePlan(client, cache, run, choice)).view;
      }),
    resume: (id, request, once) =>
      database.transaction((client) => answerOnce(client, once, () => resumeRun(client, cache, id, request))),
    resumeJobRun: (request, once) =>
      database.transaction((client) => answerOnce(client, once, () => resumeJobRun(client, cache, request))),
  };
}

interface ResumePlan {
  readonly view: ResumePlanView;
  /** Of the jobs that the graph has. */
  readonly plan: Plan;
  /** With which it goes on. */
  readonly params: Params;
}

async function makeResumePlan(
  client: pg.ClientBase,
  cache: GraphCache,
  run: RunToResume,
  choice: ResumeChoice,
): Promise<ResumePlan> {
  const { version, latestVersion, params, ...facts } = await readResumeFacts(client, cache, run, choice);
  const jobs = planResume(facts);
  const { id: graphRunId, epoch } = run;
  const hash = createHash('sha256')
    .update(JSON.stringify([graphRunId, epoch, version, params, jobs]))
    .digest('hex');
  const plan = makePlan(facts.graph, facts.selected);
  return { view: { graphRunId, epoch, version, latestVersion, hash, jobs }, plan, params };
}

/** The run's project may be locked. */
export async function resumeRun(client: pg.ClientBase, cache: GraphCache, id: string, request: Resume) {
  if (!isId(id)) throw unknownGraphRun(id);
  // A delete of the project waits until the run is open again, and then refuses.
  await lockLine(client, { id });
  const run = await readRunToResume(client, id, 'FOR UPDATE');
  const { view, plan, params } = await makeResumePlan(client, cache, run, request);
  if (request.plan !== null && request.plan !== view.hash) throw outdated(id);
  // One that was cancelled once all its jobs had succeeded has nothing left but its end.
  const isDone = run.state === 'SUCCESS' && !view.jobs.some((job) => job.action === 'rerun' || isMarked(job));
  if (isDone) throw nothingToResume(id);
  const { actor } = request;
  const epoch = run.epoch + 1;
  await client.query(
    `WITH line AS (
       SELECT ${isFull({ project: 'p.id', limit: 'p.max_open_runs' })} AS is_full FROM project p WHERE p.id = $7
     ), noted AS (
       UPDATE project SET has_line = true FROM line WHERE id = $7 AND NOT has_line AND line.is_full
     )
     UPDATE graph_run SET state = 'PENDING', reason = CASE WHEN is_full THEN 'slot' END,
       line_number = CASE WHEN is_full THEN nextval('line_number') END, error = NULL, completed_at = NULL, epoch = $2,
       version = $3, workflow_id = $4, first_execution_run_id = NULL, updated_by = $5, params = $6,
       paused_at = NULL, paused_by = NULL, pause_note = NULL, pause_told = pause_number
     FROM line WHERE id = $1`,
    [id, epoch, view.version, graphRunWorkflowId(id, epoch), actor, JSON.stringify(params), run.projectId],
  );
  const changed = await sendBack(client, run, view, plan, { epoch, actor });
  const subject = { project: run.project, graphRunId: id, epoch, actor } as const;
  const found = await client.query<GraphRunRow>(`${selectGraphRun} WHERE r.id = $1`, [id]);
  const resumed = toGraphRunView(found.rows[0] as GraphRunRow);
  const events: NewEvent[] = [
    { type: 'graph_run', ...subject, state: 'PENDING', reason: resumed.reason === 'slot' ? 'slot' : null },
    ...changed.map(
      ({ job, ...end }): NewEvent => ({
        type: 'job_run',
        ...subject,
        ...end,
        job,
        jobRunId: jobRunIdOf(id, job),
      }),
    ),
  ];
  return { made: resumed, events };
}

/** Resolves with what became of the jobs whose rows were there and have changed. */
async function sendBack(
  client: pg.ClientBase,
  run: RunToResume,
  { version, jobs }: ResumePlanView,
  plan: Plan,
  { epoch, actor }: { readonly epoch: number; readonly actor: string },
): Promise<Pick<NewEvent & { job: string }, 'job' | 'state' | 'reason'>[]> {
  const idsOf = (of: readonly PlannedJob[]) => of.map(({ job }) => jobRunIdOf(run.id, job));
  const rows = await lockJobRuns(client, idsOf(jobs));
  const isThere = ({ job }: PlannedJob) => rows.has(jobRunIdOf(run.id, job));
  const rerun = jobs.filter((planned) => planned.action === 'rerun' && isThere(planned));
  const dropped = jobs.filter(({ action, job }) => {
    return action === 'drop' && rows.get(jobRunIdOf(run.id, job))?.state === 'FAILED';
  });
  const marked = jobs.filter(isMarked);
  await applyMarks(client, idsOf(marked), { epoch, actor });
  const place = new Map(plan.keys.map((key, at) => [key, at]));
  await client.query(
    `UPDATE job_run r SET state = 'PENDING', reason = NULL, error = NULL, output = NULL, output_hash = NULL,
       output_bytes = NULL, epoch = $3, version = $4, kind = n.kind, place = n.place, fence_run_id = NULL,
       fence_scheduled_at = NULL, started_at = NULL, completed_at = NULL, updated_by = $5
     FROM unnest($1::uuid[], $2::int[], $6::text[]) AS n (id, place, kind) WHERE r.id = n.id`,
    [
      idsOf(rerun),
      rerun.map(({ job }) => place.get(job) ?? 0),
      ...[epoch, version, actor],
      rerun.map(({ job }) => kindOf(plan, place.get(job) ?? 0)),
    ],
  );
  // A job that is no more leaves nothing that failed behind it.
  await client.query(
    `UPDATE job_run SET state = 'SUCCESS', reason = 'skipped', error = NULL, epoch = $2, updated_by = $3 WHERE id = ANY ($1::uuid[])`,
    [idsOf(dropped), epoch, actor],
  );
  const added = jobs.filter((planned) => planned.action === 'rerun' && !isThere(planned));
  const places = added.flatMap(({ job }) => place.get(job) ?? []);
  await insertJobRuns(client, { ...run, version, plan, origin: 'api', actor }, places, epoch);
  return [
    ...[...rerun, ...added].map(({ job }) => ({ job, state: 'PENDING', reason: null }) as const),
    ...dropped.map(({ job }) => ({ job, state: 'SUCCESS', reason: 'skipped' }) as const),
    ...marked.map(({ job }) => ({ job, state: 'SUCCESS', reason: 'marked' }) as const),
  ];
}

function isMarked({ reasons }: PlannedJob): boolean {
  return reasons.some(({ reason }) => reason === 'marked');
}

function kindOf(plan: Plan, place: number): string {
  return plan.rules[plan.ruleOf[place] ?? 0]?.kind ?? '';
}

function outdated(id: string): CodedError {
  const message = `The plan of graph run ${id} has changed since it was made; make it again and look at it.`;
  return new CodedError('PLAN_OUTDATED', message);
}

function nothingToResume(id: string): CodedError {
  const message = `Graph run ${id} is SUCCESS and no job of it would run again; name the jobs to run again: "from" in the API, --from of the command.`;
  return new CodedError('NOTHING_TO_RESUME', message);
}
