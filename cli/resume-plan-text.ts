// The plan of a resume as people read it: a line for each job, what runs again first.
import type { ResumePlanView } from '../client/index.ts';
import { formatColumns, printable, styleTitles } from './text.ts';

type PlannedJob = ResumePlanView['jobs'][number];
type Reason = PlannedJob['reasons'][number];

const says: Readonly<Record<Reason['reason'], string>> = {
  failed: 'failed',
  unreached: 'was not reached',
  chosen: 'chosen',
  added: 'is new in the graph',
  definition_changed: 'is defined otherwise now',
  input_changed: 'reads what was replaced since:',
  downstream: 'below',
  succeeded: 'succeeded',
  marked: 'was marked as done by hand',
  not_chosen: 'not chosen',
  removed: 'is not in the graph any more',
};

const namesShown = 5;

export function renderResumePlan(plan: ResumePlanView, color: boolean): string {
  const rows = (['rerun', 'drop', 'keep'] as const).flatMap((action) =>
    plan.jobs
      .filter((job) => job.action === action)
      .map(({ job, reasons }) => [action, job, reasons.map(renderReason).join('; ')]),
  );
  const count = (action: PlannedJob['action']) => plan.jobs.filter((job) => job.action === action).length;
  const dropped = count('drop') > 0 ? `, ${count('drop')} dropped` : '';
  return [
    `run ${plan.graphRunId} · epoch ${plan.epoch} → ${plan.epoch + 1} · version ${plan.version}`,
    formatColumns([styleTitles(['ACTION', 'JOB', 'WHY'], color), ...rows]),
    `${count('rerun')} to run again, ${count('keep')} kept${dropped}`,
    `plan ${plan.hash}`,
  ].join('\n\n');
}

function renderReason({ reason, because }: Reason): string {
  const shown = because.slice(0, namesShown).map(printable).join(', ');
  const more = because.length > namesShown ? ` and ${because.length - namesShown} more` : '';
  return [says[reason], `${shown}${more}`].filter(Boolean).join(' ');
}
