import type { GraphRunDetail, JobRunView } from '../client/index.ts';
import { renderErrors } from './run-errors.ts';
import { count, formatColumns, formatSpan, styleState, styleTitles } from './text.ts';

export interface TableOptions {
  readonly color?: boolean | undefined;
  /** Of more jobs than this the most telling are shown, and the rest is counted. */
  readonly rowsMax?: number | undefined;
  /** Whether what failed is told in full below the table; it is unless told. */
  readonly errors?: boolean | undefined;
  /** Whether each job is shown with the id of its run; it is not unless told. */
  readonly ids?: boolean | undefined;
}

const titles = ['JOB', 'STATE', 'REASON', 'ATTEMPTS', 'TIME'];
const numberColumns = [3, 4];

/** A run with its jobs, as people read it. Pure. */
export function renderRun(run: GraphRunDetail, now: Date, options: TableOptions = {}): string {
  const { color = false, rowsMax = Number.POSITIVE_INFINITY, errors = true, ids = false } = options;
  const shown = pickRows(run.jobRuns, rowsMax);
  const dropped = new Set(run.droppedJobs);
  const rows = shown.map((job) => [
    job.job,
    styleState(job.state, color),
    dropped.has(job.job) ? 'dropped' : (job.reason ?? (job.reused ? 'reused' : '')),
    job.attempts === 0 ? '' : String(job.attempts),
    formatSpan(job, now),
    ...(ids ? [job.id] : []),
  ]);
  const parts = [
    renderHead(run, now, color),
    formatColumns([styleTitles(ids ? [...titles, 'JOB RUN'] : titles, color), ...rows], numberColumns),
  ];
  const hidden = run.jobRuns.length - shown.length;
  if (hidden > 0) parts.push(`… and ${count(hidden, 'more job')}: ${countStates(run)} in all`);
  const failures = errors ? renderErrors(run) : '';
  return [...parts, ...(failures === '' ? [] : ['', failures])].join('\n');
}

/** The first line: which run, how it is, how far. */
function renderHead(run: GraphRunDetail, now: Date, color: boolean): string {
  const { SUCCESS, FAILED } = run.jobCounts;
  const state = [styleState(run.state, color), run.reason].filter(Boolean).join(' ');
  const progress = `${SUCCESS + FAILED} of ${count(run.jobRuns.length, 'job')} ended`;
  const parts = [run.project, `run ${run.id}`, state, progress, formatSpan(run, now)];
  return parts.filter((part) => part !== '').join(' · ');
}

function countStates(run: GraphRunDetail): string {
  const counts = Object.entries(run.jobCounts).filter(([, number]) => number > 0);
  return counts.map(([state, number]) => `${number} ${state}`).join(', ');
}

/** Failed and running ones first, then those that wait, then those that are done; shown in the run's order. */
function pickRows(jobs: readonly JobRunView[], rowsMax: number): readonly JobRunView[] {
  if (jobs.length <= rowsMax) return jobs;
  const rank = { FAILED: 0, RUNNING: 1, PENDING: 2, SUCCESS: 3 } as const;
  const telling = jobs
    .map((job, place) => ({ place, rank: rank[job.state] }))
    .sort((a, b) => a.rank - b.rank || a.place - b.place);
  const places = new Set(telling.slice(0, rowsMax).map(({ place }) => place));
  return jobs.filter((_, place) => places.has(place));
}
