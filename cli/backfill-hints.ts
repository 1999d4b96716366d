import type { BackfillView } from '../client/index.ts';
import type { Session } from './command.ts';
import { count } from './text.ts';

/** Runs that are named; the rest is counted. */
const namedMax = 3;
const lookedAtMax = 100;

/** What can be done about a backfill that does not go on, and about those of its times that have not succeeded. */
export async function noteWhatToDo({ client, note }: Session, backfill: BackfillView): Promise<void> {
  const { id, state, stop, counts } = backfill;
  if (counts.failed > 0) {
    const { items } = await client.graphRuns.list({ backfill: id, state: 'FAILED', limit: namedMax });
    const ids = items.map((run) => run.id);
    if (counts.failed > ids.length) ids.push(`and ${counts.failed - ids.length} more`);
    note(`failed: ${ids.join(', ')}`);
  }
  if (state === 'FAILED' && counts.failed > 0) {
    note(`let these go on by: graphrun backfill resume ${id} --failed`);
  } else if (state === 'FAILED' && stop !== null) note(`go on with it by: graphrun backfill resume ${id}`);
  if (counts.skippedFailed > 0) {
    const skipped = `${count(counts.skippedFailed, 'skipped time')} had a run before, which is FAILED`;
    note(`${skipped}: run all its times anew by: ${againOf(backfill)}`);
  }
}

/** Of the runs that go on with a resume: which graph they keep. To be called before it. Null where that is the current one. */
export async function versionsKept(
  { client }: Session,
  id: string,
  { failed }: { readonly failed: boolean },
): Promise<string | null> {
  const { items } = await client.graphRuns.list({ backfill: id, state: 'FAILED', limit: lookedAtMax });
  const [first] = items;
  if (!first) return null;
  const { version: current } = await client.projects.get(first.project);
  const kept = items.filter((run) => failed || run.reason === 'cancelled').map(({ version }) => version);
  const older = [...new Set(kept)].filter((version) => version !== null && version !== current);
  if (older.length === 0) return null;
  const backfill = await client.backfills.get(id);
  const versions = older.length === 1 ? `version ${older[0]}` : `versions ${older.sort().join(', ')}`;
  return (
    `its runs that go on keep ${versions} of the graph; version ${current} is current. ` +
    `Run all its times anew by that with: ${againOf(backfill)}`
  );
}

function againOf({ project, schedule, from, to }: BackfillView): string {
  return `graphrun backfill start ${project} ${schedule} --from ${from} --to ${to} --again`;
}
