import type { Command } from 'commander';
import type { JobRunView, JobView } from '../../client/index.ts';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { useColor } from '../io.ts';
import { formatColumns, formatSpan, formatTime, styleState, styleTitles } from '../text.ts';

const runsShown = 10;

/** `graphrun jobs <project> [job]`: the jobs of the current graph, or one of them with its runs. */
export function jobsCommand(setting: Setting): Command {
  return serverCommand(setting, 'jobs <project> [job]', (session, [project = '', job = '']) =>
    job === '' ? listJobs(session, project) : showJob(session, project, job),
  )
    .summary('lists the jobs of a project')
    .description(
      'Lists the jobs of the current graph with the state of their latest runs, or shows one with its runs.',
    );
}

async function listJobs({ client, io, print }: Session, project: string): Promise<undefined> {
  const items = await client.jobs.list(project);
  print({ items }, () => renderJobs(items, useColor(io.stdout)));
}

async function showJob({ client, io, print }: Session, project: string, key: string): Promise<undefined> {
  const [job, runs] = await Promise.all([
    client.jobs.get(project, key),
    client.jobs.runs(project, key, { limit: runsShown }),
  ]);
  const color = useColor(io.stdout);
  print(
    { ...job, runs: runs.items },
    () => `${renderJobs([job], color)}\n\n${renderRuns(runs.items, color)}`,
  );
}

function renderJobs(jobs: readonly JobView[], color: boolean): string {
  const titles = styleTitles(['JOB', 'KIND', 'STATE', 'REASON', 'LAST RUN', 'DEPENDS ON'], color);
  const rows = jobs.map((job) => [
    job.key,
    job.kind,
    job.state === null ? 'never run' : styleState(job.state, color),
    job.reason ?? '',
    formatTime(job.lastRunAt),
    job.dependsOn.join(', '),
  ]);
  return formatColumns([titles, ...rows]);
}

function renderRuns(runs: readonly JobRunView[], color: boolean): string {
  if (runs.length === 0) return 'no runs';
  const titles = styleTitles(
    ['JOB RUN', 'STATE', 'REASON', 'ATTEMPTS', 'CREATED', 'TIME', 'GRAPH RUN'],
    color,
  );
  const rows = runs.map((run) => [
    run.id,
    styleState(run.state, color),
    run.reason ?? '',
    String(run.attempts),
    formatTime(run.createdAt),
    formatSpan(run, new Date()),
    run.graphRunId ?? 'alone',
  ]);
  return formatColumns([titles, ...rows], [3, 5]);
}
