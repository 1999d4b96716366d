import { it } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** What a fault test measured. */
    fault?: { readonly rows: string; readonly ms?: number };
  }
}

/** Measures how long rows were wrong after a fault was over. */
export interface FaultClock {
  /** The fault is over: what was down is up again, or what was wanted has been done. */
  over(): void;
  /** The rows are right; `since` is when that was first seen. */
  right(since?: number): void;
}

/** Of some an outage of more than a minute is the point. */
const timeoutMs = 180_000;

/** A test of a fault: of which rows of the list of faults, and what must come of it. It says when rows were right. */
export function fault(rows: string, title: string, run: (clock: FaultClock) => Promise<void>): void {
  it(title, { timeout: timeoutMs }, async ({ task }) => {
    task.meta.fault = { rows };
    let overAt = performance.now();
    let rightAt: number | undefined;
    await run({
      over: () => {
        overAt = performance.now();
      },
      right: (since = performance.now()) => {
        rightAt ??= since;
      },
    });
    if (rightAt === undefined) throw new Error('this test does not say when the rows were right');
    task.meta.fault = { rows, ms: Math.round(Math.max(0, rightAt - overAt)) };
  });
}
