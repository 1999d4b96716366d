// The rows of a run as they are compared, and what comes of it.
import type { Difference, Verification } from '../graph/inspections.ts';
import type { RunState } from '../graph/states.ts';
import type { AttemptFacts } from '../store/store.ts';

/** What the rows say. */
export interface RunRows {
  /** Null for a job that was run alone: its row is the run. */
  readonly run: EndRow | null;
  readonly jobs: ReadonlyMap<string, JobRowFacts>;
}

export interface EndRow {
  readonly state: RunState;
  readonly reason: string | null;
}

export interface JobRowFacts extends EndRow {
  /** Its message. */
  readonly error: string | null;
  readonly outputHash: string | null;
  /** For each execution that the job was tried in, by run id. */
  readonly attempts: ReadonlyMap<string, AttemptFacts>;
}

export interface Compared {
  readonly differences: Difference[];
  readonly explained: Verification['explained'];
}

export function add(found: Compared, difference: Difference, why: string | null): void {
  if (why === null) found.differences.push(difference);
  else found.explained.push({ ...difference, why });
}
