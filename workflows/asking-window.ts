// Which jobs ask for slots by now: not more than could begin, so that none holds slots for long that it cannot use, and those
// who share a pool with a large run meet no more of its jobs in their line than it could run. Pure.
import type { Progress } from '../graph/planner.ts';
import type { JobRules } from '../graph/rules.ts';

export interface AskingWindow {
  /** A job that is set aside, and needs slots. */
  add(job: number, rules: Pick<JobRules, 'pools' | 'priority'>): void;
  /** Those that are to ask now, where so many more could begin. */
  next(most: number): number[];
}

interface Line {
  /** Have asked, and have not begun. */
  readonly asking: Set<number>;
  /** Are in the lines of their pools already. */
  readonly first: number[];
  readonly behind: number[];
}

/**
 * Jobs of other pools are counted apart, and so are those of another priority: a long line holds up none that waits in another,
 * or that comes before it.
 * @param asked jobs that have asked in an execution that this one goes on from: they may hold slots, and ask first
 */
export function createAskingWindow(
  { aside }: Pick<Progress, 'aside'>,
  asked: ReadonlySet<number>,
): AskingWindow {
  const lines = new Map<string, Line>();
  const nextOf = ({ asking, first, behind }: Line, most: number): number[] => {
    for (const job of asking) if (!aside.has(job)) asking.delete(job);
    const next = first.splice(0).filter((job) => aside.has(job));
    for (const job of next) asking.add(job);
    // Many at a time: each call is an event of the history.
    if (asking.size > most / 2 && behind.length > most - asking.size) return next;
    while (asking.size < most && behind.length > 0) {
      const job = behind.shift() as number;
      if (!aside.has(job)) continue;
      asking.add(job);
      next.push(job);
    }
    return next;
  };
  return {
    add: (job, { pools = {}, priority = 0 }) => {
      const key = [priority, ...Object.keys(pools).sort()].join(' ');
      const line = lines.get(key) ?? { asking: new Set(), first: [], behind: [] };
      lines.set(key, line);
      (asked.has(job) ? line.first : line.behind).push(job);
    },
    next: (most) => [...lines.values()].flatMap((line) => nextOf(line, most)),
  };
}
