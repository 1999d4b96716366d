// Which jobs ask for slots by now: not more than could begin, so that none holds slots for long that it cannot use, and those
// who share a pool with a large run meet no more of its jobs in their line than it could run. Pure.
import type { Progress } from '../graph/planner.ts';

export interface AskingWindow {
  /** A job that is set aside, and needs slots of these pools. */
  add(job: number, pools: readonly string[]): void;
  /**
   * Those that are to ask now, where so many more could begin.
   * @param isBounded asked where more of them could ask than that
   */
  next(most: number, isBounded: () => boolean): number[];
}

interface Line {
  /** Have asked, and have not begun. */
  readonly asking: Set<number>;
  readonly behind: number[];
}

/** Jobs of other pools are counted apart: a long line holds up none that waits in another. */
export function createAskingWindow({ aside }: Pick<Progress, 'aside'>): AskingWindow {
  const lines = new Map<string, Line>();
  const nextOf = ({ asking, behind }: Line, most: number, isBounded: () => boolean): number[] => {
    if (behind.length === 0) return [];
    for (const job of asking) if (!aside.has(job)) asking.delete(job);
    const mayAll = asking.size + behind.length <= most || !isBounded();
    // Many at a time: each call is an event of the history.
    if (!mayAll && asking.size > most / 2) return [];
    const next = behind
      .splice(0, mayAll ? behind.length : most - asking.size)
      .filter((job) => aside.has(job));
    for (const job of next) asking.add(job);
    return next;
  };
  return {
    add: (job, pools) => {
      const key = [...pools].sort().join(' ');
      const line = lines.get(key) ?? { asking: new Set(), behind: [] };
      lines.set(key, line);
      line.behind.push(job);
    },
    next: (most, isBounded) => [...lines.values()].flatMap((line) => nextOf(line, most, isBounded)),
  };
}
