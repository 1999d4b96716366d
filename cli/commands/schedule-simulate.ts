import type { Command } from 'commander';
import type { ScheduleSimulation } from '../../client/index.ts';
import { readCount, type Setting, serverCommand } from '../command.ts';
import { count, formatColumns, formatDuration, formatTime } from '../text.ts';

export function simulateCommand(setting: Setting): Command {
  return serverCommand<{ readonly days?: number }>(
    setting,
    'simulate <project> <name>',
    async ({ client, print }, [project = '', name = ''], { days }) => {
      const simulation = await client.schedules.simulate(project, name, { days });
      print(simulation, () => renderSimulation(simulation));
      return undefined;
    },
  )
    .summary('tells what a schedule would do in the days to come')
    .description(
      'Tells what a schedule would do in the days to come, paused or not, without running anything: how many runs it makes, ' +
        'what changes of the clock do to its times, and which times meet an earlier run of the schedule that is still open, ' +
        'as long as its runs took so far, or else those of the project.',
    )
    .option('--days <number>', 'how many, up to 800 (default: 400)', readCount);
}

const effectTexts = {
  shifted: 'does not exist; fires',
  skipped: 'does not exist; makes no run',
  once: 'comes twice; fires',
  doubled: 'comes twice; fires each time,',
} as const;

function renderSimulation(simulation: ScheduleSimulation): string {
  const { timezone, from, until, isCut, times, runs, busiestDay, clockEffects } = simulation;
  const busiest = busiestDay ? `; ${busiestDay.times} on ${busiestDay.date}, the busiest day` : '';
  const effects = clockEffects.map(({ effect, local, at }) => [
    effect,
    `${local} ${[effectTexts[effect], at.map(formatTime).join(' and ')].join(' ').trim()}`,
  ]);
  return formatColumns([
    ['from', formatTime(from)],
    ['until', `${formatTime(until)}${isCut ? ', no further: it fires too often' : ''}`],
    ['time zone', timezone],
    ['times', `${times}${busiest}`],
    ['runs', String(runs)],
    ...effects,
    ...overlapRows(simulation),
  ]);
}

function overlapRows({ overlap, durations, predicted }: ScheduleSimulation): string[][] {
  if (!durations || !predicted)
    return [['overlaps', 'nothing tells how long its runs take: none has ended yet']];
  const of = `the last ${count(durations.runs, 'run')} of the ${durations.of}`;
  return (['median', 'p95'] as const).map((by) => {
    const { durationMs, overlaps, skipped, buffered, ended, openAtOnceMax, waitMaxMs } = predicted[by];
    const took = `${by === 'median' ? 'half' : '95 %'} of ${of} took up to ${formatDuration(durationMs)}`;
    const effects = [
      ...(skipped > 0 ? [`${skipped} skipped`] : []),
      ...(buffered > 0 ? [`${buffered} wait, up to ${formatDuration(waitMaxMs)}`] : []),
      ...(ended > 0 ? [`${count(ended, 'run')} ended`] : []),
      ...(openAtOnceMax > 1 ? [`up to ${openAtOnceMax} open at once`] : []),
    ];
    const made = overlaps === 0 ? '' : ` (${overlap}: ${effects.join(', ')})`;
    return ['overlaps', `${overlaps}${made}, where ${took}`];
  });
}
