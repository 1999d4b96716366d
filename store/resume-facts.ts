// What the plan of a resume is made of: the ends of a run's jobs, the graph by which it would go on, and what was
// replaced since.
import type pg from 'pg';
import { CodedError, type Problem } from '../graph/errors.ts';
import type { Graph, GraphJob, Params } from '../graph/graph.ts';
import type { ResumeFacts } from '../graph/resume.ts';
import { selectJobs } from '../graph/selection.ts';
import { isFinal, type RunState } from '../graph/states.ts';
import { pointer } from '../graph/zod-problems.ts';
import type { GraphCache } from './graph-cache.ts';
import { unknownGraphRun } from './graph-runs.ts';
import { completeParams, refused } from './new-runs.ts';

export interface RunToResume {
  readonly id: string;
  readonly project: string;
  readonly projectId: string;
  readonly state: RunState;
  readonly epoch: number;
  readonly version: number;
  readonly params: Params;
  readonly select: readonly string[] | null;
}

export interface ResumeChoice {
  /** Only these jobs run again, with all downstream. */
  readonly from: readonly string[] | null;
  /** By the project's current graph, in place of the one that the run is pinned to. */
  readonly latest: boolean;
}

/** @throws CodedError GRAPH_RUN_UNKNOWN, RUN_INVALID, RUN_IS_OPEN */
export async function readRunToResume(
  client: pg.ClientBase,
  id: string,
  lock: '' | 'FOR UPDATE',
): Promise<RunToResume> {
  const found = await client.query<
    Omit<RunToResume, 'projectId' | 'version' | 'select'> & {
      readonly projectId: string | null;
      readonly version: number | null;
      readonly select: string[];
      readonly selective: boolean;
    }
  >(
    `SELECT id, project_name AS project, project_id AS "projectId", state, epoch, version, params, "select", selective
     FROM graph_run WHERE id = $1 ${lock}`,
    [id],
  );
  const [row] = found.rows;
  if (!row) throw unknownGraphRun(id);
  const { projectId, version, selective, ...run } = row;
  if (projectId === null || version === null) {
    throw new CodedError('RUN_INVALID', `Graph run ${id} was not valid and has no graph to go on with.`);
  }
  if (!isFinal(run.state)) {
    throw new CodedError(
      'RUN_IS_OPEN',
      `Graph run ${id} is ${run.state}; a run is resumed once it has ended.`,
    );
  }
  return { ...run, projectId, version, select: selective ? run.select : null };
}

interface Versions {
  readonly version: number;
  /** Of the project's current graph. */
  readonly latestVersion: number;
}

/** @throws CodedError SELECTION_INVALID, PARAMS_INVALID */
export async function readResumeFacts(
  client: pg.ClientBase,
  cache: GraphCache,
  run: RunToResume,
  choice: ResumeChoice,
): Promise<ResumeFacts & Versions & { readonly params: Params }> {
  const latestVersion = await currentVersion(client, run);
  const version = choice.latest ? latestVersion : run.version;
  const load = (of: number) => cache.load(client, run.projectId, of);
  const graph = await load(version);
  const selection = selectJobs(graph, run.select);
  if (!selection.ok) {
    throw refused('SELECTION_INVALID', 'The selection of the run cannot be resumed', selection.problems);
  }
  const had = selectJobs(await load(run.version), run.select);
  const rows = (await readEnds(client, run.id)).filter(({ job }) => {
    // What an earlier resume has dropped is of the run no more.
    return selection.keys.has(job) || !had.ok || had.keys.has(job);
  });
  const graphs = new Map<number, ReadonlyMap<string, GraphJob>>();
  for (const of of new Set(rows.map((row) => row.version))) graphs.set(of, jobsOf(await load(of)));
  const ended = new Map(
    rows.map(({ job, version: of, startedAt: _, ...end }) => {
      return [job, { ...end, definition: graphs.get(of)?.get(job) }] as const;
    }),
  );
  const from = choice.from && checkFrom(choice.from, selection.keys, version);
  const began = new Map(rows.flatMap(({ job, startedAt }) => (startedAt ? [[job, startedAt] as const] : [])));
  const changedInputs = from === null ? await findChanges(client, run, graph, began) : new Map();
  const params = version === run.version ? run.params : paramsFor(graph, run.params);
  return { version, latestVersion, params, graph, selected: selection.keys, ended, from, changedInputs };
}

/** What the run was given, as far as the graph declares it, with the defaults of what is new in it. */
function paramsFor(graph: Graph, given: Params): Params {
  const declared = Object.entries(given).filter(([name]) => Object.hasOwn(graph.params ?? {}, name));
  return completeParams(graph, Object.fromEntries(declared));
}

async function currentVersion(client: pg.ClientBase, { projectId, version }: RunToResume): Promise<number> {
  const found = await client.query<{ version: number | null }>(
    'SELECT current_version AS version FROM project WHERE id = $1',
    [projectId],
  );
  return found.rows[0]?.version ?? version;
}

async function readEnds(client: pg.ClientBase, id: string) {
  const found = await client.query<{
    job: string;
    state: RunState;
    reason: string | null;
    attempts: number;
    isMarked: boolean;
    version: number;
    startedAt: Date | null;
  }>(
    `SELECT j.key AS job, r.state, r.reason, r.attempts, r.version, r.started_at AS "startedAt",
       r.state = 'FAILED' AND r.mark_epoch IS NOT DISTINCT FROM r.epoch AS "isMarked"
     FROM job_run r JOIN job j ON j.id = r.job_id WHERE r.graph_run_id = $1 ORDER BY r.place`,
    [id],
  );
  return found.rows;
}

function jobsOf(graph: Graph): ReadonlyMap<string, GraphJob> {
  return new Map(graph.jobs.map((job) => [job.key, job]));
}

function checkFrom(
  from: readonly string[],
  known: ReadonlySet<string>,
  version: number,
): ReadonlySet<string> {
  const problems = from.flatMap((key, index): Problem[] => {
    if (known.has(key)) return [];
    const message = `"${key.slice(0, 100)}" is not a job of this run by version ${version} of its graph`;
    return [{ code: 'SELECTOR_UNKNOWN', path: pointer(['from', index]), message }];
  });
  if (problems.length > 0)
    throw refused('SELECTION_INVALID', 'The run cannot be resumed from there', problems);
  return new Set(from);
}

/** Between the creation of a run and the end of a job of it. */
const longestRun = '30 days';

/** Datasets that another run has written, and files that were uploaded, since a job began that reads them. */
async function findChanges(
  client: pg.ClientBase,
  run: RunToResume,
  graph: Graph,
  began: ReadonlyMap<string, Date>,
): Promise<Map<string, string[]>> {
  const writers = new Map(
    graph.jobs.flatMap(({ key, outputs }) => outputs.map((name) => [name, key] as const)),
  );
  const reads = graph.jobs.flatMap(({ key, inputs, files }) => {
    const since = began.get(key);
    if (!since) return [];
    return [
      ...inputs.map((name) => ({ job: key, name, writer: writers.get(name) ?? null, since })),
      ...files.map((name) => ({ job: key, name, writer: null, since })),
    ];
  });
  if (reads.length === 0) return new Map();
  const found = await client.query<{ job: string; name: string }>(
    `SELECT n.job, n.name FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[])
       WITH ORDINALITY AS n (job, name, writer, since, place)
     WHERE CASE WHEN n.writer IS NULL
       THEN EXISTS (SELECT FROM file f WHERE f.project_id = $1 AND f.name = n.name AND f.replaced_at IS NULL
                      AND f.completed_at > n.since)
       ELSE EXISTS (SELECT FROM job j JOIN job_run r ON r.job_id = j.id
                    WHERE j.project_id = $1 AND j.key = n.writer AND r.created_at > n.since - interval '${longestRun}'
                      AND r.completed_at > n.since AND r.graph_run_id IS DISTINCT FROM $6
                      AND r.state = 'SUCCESS' AND r.reason IS DISTINCT FROM 'skipped')
       END
     ORDER BY n.place`,
    [
      run.projectId,
      reads.map(({ job }) => job),
      reads.map(({ name }) => name),
      reads.map(({ writer }) => writer),
      reads.map(({ since }) => since),
      run.id,
    ],
  );
  const changes = new Map<string, string[]>();
  for (const { job, name } of found.rows) changes.set(job, [...(changes.get(job) ?? []), name]);
  return changes;
}
