import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { NewSchedule, ScheduleChange, ScheduleView } from '../../client/index.ts';
import { gather, readCount, type Session, type Setting, serverCommand } from '../command.ts';
import { UsageError } from '../exit-codes.ts';
import { useColor } from '../io.ts';
import { readDefinition } from '../read-definition.ts';
import { readParams } from '../read-params.ts';
import { renderPreview, renderSchedule, renderSchedules } from '../schedule-text.ts';
import { simulateCommand } from './schedule-simulate.ts';

/** `graphrun schedule …`: what runs graphs at its times. */
export function scheduleCommand(setting: Setting): Command {
  const group = new Command('schedule').summary('lists, makes and changes schedules');
  const commands = [
    listCommand,
    createCommand,
    showCommand,
    changeCommand,
    pauseCommand,
    unpauseCommand,
    skipCommand,
    previewCommand,
    simulateCommand,
    triggerCommand,
    deleteCommand,
  ];
  for (const make of commands) group.addCommand(make(setting));
  return group;
}

function listCommand(setting: Setting): Command {
  return serverCommand(setting, 'list <project>', async ({ client, io, print }, [project = '']) => {
    const items: ScheduleView[] = [];
    for await (const schedule of client.schedules.all(project)) items.push(schedule);
    print({ items }, () => renderSchedules(items, useColor(io.stdout)));
    return undefined;
  }).summary('lists the schedules of a project');
}

interface TimeFlags {
  readonly cron?: string[];
  readonly every?: string;
  readonly offset?: string;
  readonly timezone?: string;
  readonly overlap?: NonNullable<NewSchedule['overlap']>;
  readonly param?: string[];
  readonly select?: string[];
  readonly file?: string;
}

interface CreateFlags extends TimeFlags {
  readonly paused: boolean;
  readonly note?: string;
}

function createCommand(setting: Setting): Command {
  const command = serverCommand<CreateFlags>(
    setting,
    'create <project> <name>',
    async (session, [project = '', name = ''], flags) => {
      const { paused, note } = flags;
      const schedule = {
        ...(await readTimes(session, flags)),
        name,
        paused,
        ...(note !== undefined && { note }),
      };
      await session.client.schedules.create(project, schedule);
      await show(session, project, name);
      return undefined;
    },
  );
  return withTimes(command)
    .summary('makes a schedule')
    .description('Makes a schedule, which runs the current graph of a project at its times.')
    .option('--paused', 'it does not fire until it is unpaused', false)
    .option('--note <text>', 'what is to be known of it, in up to 500 characters');
}

function changeCommand(setting: Setting): Command {
  const command = serverCommand<TimeFlags>(
    setting,
    'change <project> <name>',
    async (session, [project = '', name = ''], flags) => {
      const change: ScheduleChange = inPlaceOfOthers(await readTimes(session, flags), flags);
      if (Object.keys(change).length === 0) throw new UsageError('Say what is to be changed: see --help.');
      await session.client.schedules.change(project, name, change);
      await show(session, project, name);
      return undefined;
    },
  );
  return withTimes(command)
    .summary('changes parts of a schedule')
    .description(
      'Changes what is given, and leaves the rest. Times given by --cron or --every take the place of all that it had, of ' +
        'calendars too. In a file, null takes a part away.',
    );
}

/** Its times are these alone: who gives it other ones by a flag does not want those before as well. */
function inPlaceOfOthers(change: ScheduleChange, { cron, every }: TimeFlags): ScheduleChange {
  if (cron === undefined && every === undefined) return change;
  return { cron: null, interval: null, calendars: null, ...change };
}

function showCommand(setting: Setting): Command {
  return serverCommand(setting, 'show <project> <name>', async (session, [project = '', name = '']) => {
    await show(session, project, name);
    return undefined;
  }).summary('shows a schedule');
}

interface NoteFlags {
  readonly note?: string;
}

function pauseCommand(setting: Setting): Command {
  return serverCommand<NoteFlags>(setting, 'pause <project> <name>', async (session, args, { note }) => {
    const [project = '', name = ''] = args;
    await session.client.schedules.pause(project, name, { note });
    await show(session, project, name);
    return undefined;
  })
    .summary('pauses a schedule')
    .option('--note <text>', 'why, in up to 500 characters');
}

function unpauseCommand(setting: Setting): Command {
  return serverCommand<NoteFlags>(setting, 'unpause <project> <name>', async (session, args, { note }) => {
    const [project = '', name = ''] = args;
    await session.client.schedules.unpause(project, name, { note });
    await show(session, project, name);
    return undefined;
  })
    .summary('lets a schedule go on')
    .option('--note <text>', 'why, in up to 500 characters');
}

function skipCommand(setting: Setting): Command {
  return serverCommand<NoteFlags>(setting, 'skip <project> <name>', async (session, args, { note }) => {
    const [project = '', name = ''] = args;
    await session.client.schedules.skip(project, name, { note });
    await show(session, project, name);
    return undefined;
  })
    .summary('skips the next time of a schedule')
    .option('--note <text>', 'why, in up to 500 characters');
}

function previewCommand(setting: Setting): Command {
  return serverCommand<{ readonly count: number }>(
    setting,
    'preview <project> <name>',
    async ({ client, print }, [project = '', name = ''], { count }) => {
      const preview = await client.schedules.preview(project, name, { count });
      print(preview, () => renderPreview(preview));
      return undefined;
    },
  )
    .summary('lists the next times of a schedule')
    .description(
      'Lists the next times at which it fires, paused or not, before any jitter. Marks the days on which the clock is ' +
        'changed: a time that does not exist then (gap), or comes twice (overlap). What does not fire is not among them: simulate ' +
        'tells which times are skipped.',
    )
    .option('--count <number>', 'how many', readCount, 10);
}

function triggerCommand(setting: Setting): Command {
  return serverCommand(setting, 'trigger <project> <name>', async (session, [project = '', name = '']) => {
    const run = await session.client.schedules.trigger(project, name);
    session.print(run, () => run.id);
    session.note(`watch it with: graphrun watch ${run.id}`);
    return undefined;
  })
    .summary('runs what a schedule runs, now')
    .description('Runs what a schedule runs, paused or not, beside its own times. Prints the id of the run.');
}

function deleteCommand(setting: Setting): Command {
  return serverCommand(setting, 'delete <project> <name>', async (session, [project = '', name = '']) => {
    await session.client.schedules.remove(project, name);
    session.note(`deleted ${project}/${name}; its runs stay`);
    return undefined;
  }).summary('deletes a schedule; its runs stay');
}

function withTimes(command: Command): Command {
  return command
    .option('--cron <expression>', 'five fields, such as "30 2 * * *", or @daily; repeatable', gather)
    .option('--every <duration>', 'an interval such as 15m, counted from midnight 1970 in UTC')
    .option('--offset <duration>', 'moves the interval')
    .option('--timezone <zone>', "such as Europe/Berlin (default: the project's)")
    .addOption(
      new Option('--overlap <policy>', 'what becomes of a time at which its last run is still open').choices([
        'skip',
        'buffer_one',
        'buffer_all',
        'cancel_other',
        'terminate_other',
        'allow_all',
      ]),
    )
    .option('--param <name=value>', 'a parameter of its runs, as in "graphrun run"; repeatable', gather)
    .option('--select <expr>', 'only these jobs, as in "graphrun run"; repeatable', gather)
    .option('--file <path>', 'all of it, in JSON or YAML; flags are put in the place of its parts');
}

/** The server says what is wrong with it. */
async function readTimes({ io }: Session, flags: TimeFlags): Promise<Omit<NewSchedule, 'name'>> {
  const { cron, every, offset, timezone, overlap, param, select, file } = flags;
  if (offset !== undefined && every === undefined) throw new UsageError('--offset belongs to --every.');
  const written = file === undefined ? {} : (await readDefinition(resolve(io.cwd, file))).value;
  if (typeof written !== 'object' || written === null) throw new UsageError(`${file}: expected a schedule.`);
  return {
    ...written,
    ...(cron !== undefined && { cron: cron.length === 1 ? (cron[0] ?? '') : cron }),
    ...(every !== undefined && { interval: { every, ...(offset !== undefined && { offset }) } }),
    ...(timezone !== undefined && { timezone }),
    ...(overlap !== undefined && { overlap }),
    ...(param !== undefined && { params: readParams(param) }),
    ...(select !== undefined && { select }),
  };
}

/** As it is now: Temporal may have taken a change by then. */
async function show({ client, print }: Session, project: string, name: string): Promise<void> {
  const schedule = await client.schedules.get(project, name);
  print(schedule, () => renderSchedule(schedule));
}
