import type { Command } from 'commander';
import type { ResumeOptions } from '../../client/index.ts';
import { gather, type Session, type Setting, serverCommand } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { useColor } from '../io.ts';
import { renderResumePlan } from '../resume-plan-text.ts';
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

/** `graphrun resume <graphRunId>`: goes on with a run that has ended. */
export function resumeCommand(setting: Setting): Command {
  return withChoice(serverCommand<ResumeFlags>(setting, 'resume <graphRunId>', resume))
    .summary('goes on with a run that has ended')
    .description('Runs the jobs of a run again that failed or were not reached; all others are kept.')
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
  return { ...(jobs && { from: jobs }), ...(latest && { latest }) };
}

async function plan({ client, io, print, note }: Session, [id = '']: string[], flags: PlanFlags) {
  const made = await client.graphRuns.plan(id, choiceOf(flags));
  print(made, () => renderResumePlan(made, useColor(io.stdout)));
  const choice = [flags.from ? ` --from ${flags.from.join(',')}` : '', flags.latest ? ' --latest' : ''];
  if (made.jobs.some(({ action }) => action === 'rerun'))
    note(`do it with: graphrun resume ${id}${choice.join('')} --plan ${made.hash}`);
  return undefined;
}

async function resume(session: Session, [id = '']: string[], flags: ResumeFlags): Promise<ExitCode> {
  const { plan: hash, idempotencyKey, watch } = flags;
  const given = { ...choiceOf(flags), ...(hash !== undefined && { plan: hash }), idempotencyKey };
  const run = await session.client.graphRuns.resume(id, given);
  if (watch) return watchToEnd(session, id);
  session.print(run, () => run.id);
  session.note(`epoch ${run.epoch}; watch it with: graphrun watch ${run.id}`);
  return exitCodes.done;
}
