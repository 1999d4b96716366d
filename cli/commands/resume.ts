import type { Command } from 'commander';
import { type GraphRunView, isPassing, type JobRunDetail, type ResumeOptions } from '../../client/index.ts';
import { gather, type Session, type Setting, serverCommand } from '../command.ts';
import { ofEitherRun, ofOneRun } from '../either-run.ts';
import { type ExitCode, exitCodes, UsageError } from '../exit-codes.ts';
import { useColor } from '../io.ts';
import { renderResumePlan } from '../resume-plan-text.ts';
import { watchJobRun } from '../watch-job-run.ts';
import { watchToEnd } from './watch.ts';

interface PlanFlags {
  readonly from?: string[];
  readonly latest: boolean;
}

interface ResumeFlags extends PlanFlags {
  readonly plan?: string;
  readonly watch: boolean;
  readonly idempotencyKey?: string;
}

/** `graphrun plan <graphRunId>`: which jobs a resume would run again, and why. */
export function planCommand(setting: Setting): Command {
  return withChoice(serverCommand<PlanFlags>(setting, 'plan <graphRunId>', plan))
    .summary('tells which jobs a resume would run again, and why')
    .description('Tells for every job of a run that has ended whether a resume runs it again, and why.');
}

/** `graphrun resume <runId>`: goes on with a run that has ended, of a graph or of a job alone. */
export function resumeCommand(setting: Setting): Command {
  return withChoice(serverCommand<ResumeFlags>(setting, 'resume <runId>', resume))
    .summary('goes on with a run that has ended')
    .description(
      'Runs the jobs of a run again that failed or were not reached; all others are kept. A job that was run alone and has ' +
        'failed is run again, as the same job run.',
    )
    .option('--plan <hash>', 'only if the plan still is the one that "graphrun plan" showed')
    .option(
      '--idempotency-key <key>',
      'carried out once, however often it is sent with this key within a day',
    )
    .option('--watch', 'shows the run until it has ended; exit code 1 if it failed', false);
}

function withChoice(command: Command): Command {
  return command
    .option('--from <jobs>', 'only these jobs, with all downstream; joined by commas, or repeated', gather)
    .option('--latest', "by the project's current graph, in place of the one of the run", false);
}

function choiceOf({ from, latest }: PlanFlags): Pick<ResumeOptions, 'from' | 'latest'> {
  const jobs = from?.flatMap((text) => text.split(',').map((job) => job.trim()));
  const selector = jobs?.find((job) => /^\+|\+$/.test(job));
  if (selector !== undefined) {
    const advice = 'all below it runs again as well, and what is above it is named by itself.';
    throw new UsageError(`--from takes jobs, no selectors as "${selector}": ${advice}`);
  }
  return { ...(jobs && { from: jobs }), ...(latest && { latest }) };
}

async function plan(session: Session, [id = '']: string[], flags: PlanFlags) {
  const { client, io, print, note } = session;
  const chosen = choiceOf(flags);
  const made = await ofOneRun(session, id, 'graph run', () => client.graphRuns.plan(id, chosen));
  print(made, () => renderResumePlan(made, useColor(io.stdout)));
  const choice = [flags.from ? ` --from ${flags.from.join(',')}` : '', flags.latest ? ' --latest' : ''];
  if (made.jobs.some(({ action }) => action === 'rerun'))
    note(`do it with: graphrun resume ${id}${choice.join('')} --plan ${made.hash}`);
  noteLater(note, made.version, made.latestVersion);
  return undefined;
}

/** Null where it cannot be told: the run goes on all the same. */
async function findLatest({ client }: Session, project: string): Promise<number | null> {
  try {
    return (await client.projects.get(project)).version;
  } catch (error) {
    if (isPassing(error)) return null;
    throw error;
  }
}

/** Whoever has mended the graph and pushed it expects that it is taken. */
function noteLater(note: Session['note'], version: number, latest: number | null): void {
  if (latest === null || latest === version) return;
  note(`it goes on by version ${version} of the graph; version ${latest} is current: --latest takes it`);
}

async function resume(session: Session, [id = '']: string[], flags: ResumeFlags): Promise<ExitCode> {
  const { plan: hash, idempotencyKey, watch } = flags;
  const given = { ...choiceOf(flags), ...(hash !== undefined && { plan: hash }), idempotencyKey };
  const run = await ofEitherRun<GraphRunView | JobRunDetail>(id, {
    graphRun: () => session.client.graphRuns.resume(id, given),
    jobRun: () => resumeAlone(session, id, flags),
  });
  // Of the two only a graph run has jobs.
  if (!('jobCounts' in run)) {
    if (watch) return watchJobRun(session, id, ({ state }) => state === 'SUCCESS');
    session.print(run, () => run.id);
    session.note(`epoch ${run.epoch}; see how it ends with: graphrun show ${run.id}`);
    return exitCodes.done;
  }
  noteLater(session.note, run.version ?? 0, await findLatest(session, run.project));
  if (watch) return watchToEnd(session, id);
  session.print(run, () => run.id);
  session.note(`epoch ${run.epoch}; watch it with: graphrun watch ${run.id}`);
  return exitCodes.done;
}

async function resumeAlone({ client }: Session, id: string, flags: ResumeFlags): Promise<JobRunDetail> {
  if (flags.from || flags.latest || flags.plan !== undefined) {
    throw new UsageError(`--from, --latest and --plan are of graph runs; ${id} is the run of a job.`);
  }
  return client.jobRuns.resume(id, { idempotencyKey: flags.idempotencyKey });
}
