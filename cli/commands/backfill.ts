import { Command, Option } from 'commander';
import type { BackfillView, NewBackfill } from '../../client/index.ts';
import { noteWhatToDo, versionsKept } from '../backfill-hints.ts';
import { atOnceOf, renderBackfill, renderBackfillPreview, renderBackfills } from '../backfill-text.ts';
import { gather, readCount, type Session, type Setting, serverCommand } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { useColor } from '../io.ts';
import { readParams } from '../read-params.ts';
import { watchBackfill } from '../watch-backfill.ts';

/** `graphrun backfill …`: runs times of schedules that have passed. */
export function backfillCommand(setting: Setting): Command {
  const group = new Command('backfill').summary('runs times of a schedule that have passed');
  const commands = [startCommand, listCommand, showCommand, watchCommand, cancelCommand, resumeCommand];
  for (const make of commands) group.addCommand(make(setting));
  return group;
}

interface StartFlags {
  readonly from: string;
  readonly to?: string;
  readonly order: NonNullable<NewBackfill['order']>;
  readonly atOnce: number;
  readonly param: string[];
  readonly again: boolean;
  readonly note?: string;
  readonly dryRun: boolean;
  readonly watch: boolean;
  readonly idempotencyKey?: string;
}

function startCommand(setting: Setting): Command {
  return serverCommand<StartFlags>(setting, 'start <project> <schedule>', start)
    .summary('starts a backfill')
    .description(
      'Makes a run of each time of a schedule in a window, as many at once as is said, and prints the id of the backfill. Times ' +
        'that had a run are skipped. A time is given with its offset, or as the clock of the schedule shows it.',
    )
    .requiredOption('--from <time>', 'the first time, such as 2026-11-01 or 2026-11-01T09:00')
    .option('--to <time>', 'the last time, a date with all of its day (default: now)')
    .addOption(
      new Option('--order <order>', 'which times run first').choices(['oldest', 'newest']).default('oldest'),
    )
    .option('--at-once <number>', 'how many of its runs may be open', readCount, 1)
    .option('--param <name=value>', "in place of the schedule's of that name; repeatable", gather, [])
    .option('--again', 'also times that had a run', false)
    .option('--note <text>', 'why, in up to 500 characters')
    .option('--dry-run', 'tells how many runs it would make, and makes none', false)
    .option('--watch', 'tells how it goes on until it has ended; exit code 1 if it failed', false)
    .option('--idempotency-key <key>', 'started once, however often it is sent with this key within a day');
}

async function start(
  session: Session,
  [project = '', schedule = '']: string[],
  flags: StartFlags,
): Promise<ExitCode | undefined> {
  const { from, to, order, atOnce, param, again, note, dryRun, watch, idempotencyKey } = flags;
  const { client, print } = session;
  if (dryRun) {
    const preview = await client.backfills.preview(project, schedule, { from, to, atOnce, again });
    print(preview, () => renderBackfillPreview(preview, { atOnce, again }));
    return undefined;
  }
  const params = readParams(param);
  const backfill = { from, to, order, atOnce, again, params, note };
  const made = await client.backfills.start(project, schedule, backfill, { idempotencyKey });
  if (made.openMost < made.atOnce) session.note(`it runs ${atOnceOf(made)}`);
  if (watch) return watchBackfill(session, made.id);
  print(made, () => made.id);
  session.note(`watch it with: graphrun backfill watch ${made.id}`);
  return exitCodes.done;
}

interface ListFlags {
  readonly schedule?: string;
  readonly limit: number;
}

function listCommand(setting: Setting): Command {
  return serverCommand<ListFlags>(
    setting,
    'list <project>',
    async ({ client, io, print }, [project = ''], { schedule, limit }) => {
      const page = await client.backfills.list(project, { schedule, limit });
      print(page, () => renderBackfills(page.items, useColor(io.stdout)));
      return undefined;
    },
  )
    .summary('lists the backfills of a project, newest first')
    .option('--schedule <name>', 'only those of a schedule')
    .option('--limit <number>', 'how many at most', readCount, 20);
}

function showCommand(setting: Setting): Command {
  return serverCommand(setting, 'show <backfillId>', async (session, [id = '']) => {
    const backfill = await session.client.backfills.get(id);
    show(session, backfill);
    session.note(`its runs: graphrun runs --backfill ${id}`);
    await noteWhatToDo(session, backfill);
    return undefined;
  }).summary('shows how far a backfill has come');
}

function watchCommand(setting: Setting): Command {
  return serverCommand(setting, 'watch <backfillId>', (session, [id = '']) => watchBackfill(session, id))
    .summary('tells how a backfill goes on until it has ended')
    .description(
      'Exit code 1 if it was stopped, or a run of it has failed. Ctrl-C ends the watching, not the backfill.',
    );
}

interface CancelFlags {
  readonly running: boolean;
  readonly note?: string;
}

function cancelCommand(setting: Setting): Command {
  return serverCommand<CancelFlags>(setting, 'cancel <backfillId>', async (session, [id = ''], flags) => {
    const { running, note } = flags;
    show(session, await session.client.backfills.cancel(id, { running, note }));
    session.note(`go on with it by: graphrun backfill resume ${id}`);
    return undefined;
  })
    .summary('makes no more runs of a backfill')
    .option('--running', 'cancels its open runs as well; they go on when it is resumed', false)
    .option('--note <text>', 'why, in up to 500 characters');
}

interface ResumeFlags {
  readonly failed: boolean;
  readonly note?: string;
  readonly watch: boolean;
}

function resumeCommand(setting: Setting): Command {
  return serverCommand<ResumeFlags>(
    setting,
    'resume <backfillId>',
    async (session, [id = ''], { failed, note, watch }) => {
      const kept = await versionsKept(session, id, { failed });
      const resumed = await session.client.backfills.resume(id, { failed, note });
      if (kept !== null) session.note(kept);
      if (watch) return watchBackfill(session, id);
      show(session, resumed);
      return undefined;
    },
  )
    .summary('goes on with a backfill that was stopped')
    .description('Goes on where it had come to. Runs that were cancelled since it was stopped go on first.')
    .option('--failed', 'its runs that have failed go on as well, by the graph that they began with', false)
    .option('--note <text>', 'why, in up to 500 characters')
    .option('--watch', 'tells how it goes on until it has ended; exit code 1 if it failed', false);
}

function show({ io, print }: Session, backfill: BackfillView): void {
  print(backfill, () => renderBackfill(backfill, useColor(io.stdout)));
}
