import type { Command } from 'commander';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { ofEitherRun } from '../either-run.ts';
import { renderExplanation } from '../explanation-text.ts';
import { useColor } from '../io.ts';

/** `graphrun explain <runId>`: why a run, and each of its jobs, is not done, and what to do about it. */
export function explainCommand(setting: Setting): Command {
  return serverCommand(setting, 'explain <runId>', explain)
    .summary('tells why a run is not done')
    .description('Tells why a graph run or a job run is not done, job by job, and what to do about it.');
}

async function explain({ client, io, print }: Session, [id = '']: string[]): Promise<undefined> {
  const { graphRuns, jobRuns } = client;
  const explanation = await ofEitherRun(id, { graphRun: graphRuns.explain, jobRun: jobRuns.explain });
  print(explanation, () => renderExplanation(explanation, new Date(), useColor(io.stdout)));
}
