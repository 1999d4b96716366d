import { type Command, Option } from 'commander';
import type { GraphRunView } from '../../client/index.ts';
import { readCount, type Session, type Setting, serverCommand } from '../command.ts';
import { useColor } from '../io.ts';
import { formatColumns, formatSpan, formatTime, printable, styleState, styleTitles } from '../text.ts';

interface Flags {
  readonly project?: string;
  readonly state?: GraphRunView['state'];
  readonly backfill?: string;
  readonly limit: number;
}

const titles = ['RUN', 'PROJECT', 'STATE', 'REASON', 'ENDED', 'JOBS', 'CREATED', 'TIME', 'BY'];
const numberColumns = [4, 5, 7];

/** `graphrun runs`: lists graph runs. */
export function runsCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'runs', listRuns)
    .summary('lists runs')
    .description('Lists graph runs, newest first.')
    .option('--project <name>', 'only those of a project')
    .addOption(
      new Option('--state <state>', 'only those in a state').choices([
        'PENDING',
        'RUNNING',
        'FAILED',
        'SUCCESS',
      ]),
    )
    .option('--backfill <id>', 'only those that a backfill has made')
    .option('--limit <number>', 'how many at most', readCount, 20);
}

async function listRuns({ client, io, print }: Session, _args: string[], flags: Flags): Promise<undefined> {
  const { project, state, backfill, limit } = flags;
  const page = await client.graphRuns.list({ project, state, backfill, limit });
  print(page, () => renderRuns(page.items, new Date(), useColor(io.stdout)));
}

/** Pure. */
function renderRuns(runs: readonly GraphRunView[], now: Date, color: boolean): string {
  if (runs.length === 0) return 'no runs';
  const areOfTimes = runs.some(({ scheduledAt }) => scheduledAt !== null);
  const rows = runs.map((run) => {
    const { PENDING, RUNNING, FAILED, SUCCESS } = run.jobCounts;
    const ended = FAILED + SUCCESS;
    return [
      run.id,
      run.project,
      styleState(run.state, color),
      run.reason ?? '',
      String(ended),
      String(ended + PENDING + RUNNING),
      formatTime(run.createdAt),
      formatSpan(run, now),
      printable(run.createdBy),
      ...(areOfTimes ? [formatTime(run.scheduledAt)] : []),
    ];
  });
  const allTitles = areOfTimes ? [...titles, 'SCHEDULED'] : titles;
  return formatColumns([styleTitles(allTitles, color), ...rows], numberColumns);
}
