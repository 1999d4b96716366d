import type { BackfillPreview, BackfillView } from '../client/index.ts';
import {
  count,
  formatAsked,
  formatColumns,
  formatDuration,
  formatTime,
  printable,
  styleState,
  styleTitles,
} from './text.ts';

/** How far it has come, on one line. */
export function renderProgress({ counts, estimateMs, state }: BackfillView): string {
  const { total, skipped, skippedFailed, left, open, success, failed, cancelled } = counts;
  const before = skippedFailed > 0 ? ` (${skippedFailed} FAILED before)` : '';
  const parts = [
    `${total - left - open} of ${total} done`,
    ...(skipped > 0 ? [`${skipped} skipped${before}`] : []),
    `${success} succeeded`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
    ...(open > 0 ? [`${open} open`] : []),
    ...(left > 0 ? [`${left} left`] : []),
  ];
  const isOpen = state === 'PENDING' || state === 'RUNNING';
  const about = isOpen && estimateMs !== null ? `; about ${formatDuration(estimateMs)} to go` : '';
  return parts.join(', ') + about;
}

export function renderBackfill(backfill: BackfillView, color: boolean): string {
  const { id, project, schedule, from, to, order, again, params, stop, problem } = backfill;
  return formatColumns([
    ['backfill', id],
    ['schedule', `${project}/${schedule}`],
    ['times', `${formatTime(from)} to ${formatTime(to)}`],
    ['order', `${order} first, ${atOnceOf(backfill)}${again ? ', also those that ran before' : ''}`],
    ...(Object.keys(params).length === 0 ? [] : [['params', printable(JSON.stringify(params))]]),
    ['state', stateOf(backfill, color)],
    ['progress', renderProgress(backfill)],
    ...(stop === null ? [] : [['stopped', formatAsked(stop)]]),
    ...(problem === null ? [] : [['problem', printable(problem)]]),
    ['created', noted(backfill)],
  ]);
}

export function renderBackfills(backfills: readonly BackfillView[], color: boolean): string {
  if (backfills.length === 0) return 'no backfills';
  const titles = ['BACKFILL', 'SCHEDULE', 'FROM', 'TO', 'STATE', 'PROGRESS'];
  const rows = backfills.map((backfill) => [
    ...[backfill.id, backfill.schedule, formatTime(backfill.from), formatTime(backfill.to)],
    ...[stateOf(backfill, color), renderProgress(backfill)],
  ]);
  return formatColumns([styleTitles(titles, color), ...rows]);
}

export function renderBackfillPreview(
  preview: BackfillPreview,
  { atOnce, again }: { readonly atOnce: number; readonly again: boolean },
): string {
  const { from, to, timezone, total, ran, failed, runs, first, last, openMost, estimateMs } = preview;
  const isFewer = openMost < atOnce;
  const anew = again ? '' : ' (--again runs these anew, with all others)';
  const failures = failed > 0 ? `, ${failed} of them FAILED${anew}` : '';
  return formatColumns([
    ['times', `${total} from ${formatTime(from)} to ${formatTime(to)}`],
    ['first', first === null ? '' : `${first.local} ${timezone}`],
    ['last', last === null ? '' : `${last.local} ${timezone}`],
    ['ran before', `${ran}${failures}`],
    ['would make', count(runs, 'run')],
    ...(isFewer ? [['at once', atOnceOf({ atOnce, openMost })]] : []),
    [
      'would take',
      estimateMs === null ? 'not known: nothing has succeeded yet' : `about ${formatDuration(estimateMs)}`,
    ],
  ]);
}

/** As it was asked for, and what becomes of that. */
export function atOnceOf({ atOnce, openMost }: Pick<BackfillView, 'atOnce' | 'openMost'>): string {
  return openMost < atOnce
    ? `${openMost} at once, not ${atOnce}, by maxOpenRuns of the graph`
    : `${atOnce} at once`;
}

function stateOf({ state, reason }: BackfillView, color: boolean): string {
  return `${styleState(state, color)}${reason === null ? '' : ` ${reason}`}`;
}

function noted({ createdAt, createdBy, note }: BackfillView): string {
  return formatAsked({ at: createdAt, by: createdBy, note });
}
