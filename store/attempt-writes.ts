// What the recorder is told of attempts, and what it answers.
import type { GrantedSlots } from '../graph/asked-slots.ts';
import type { AttemptEnd, Fence, RecordedOutput } from '../graph/transitions.ts';

/** The job run that an attempt is of, as its worker knows it. */
export interface AttemptSubject {
  readonly jobRunId: string;
  readonly project: string;
  readonly job: string;
  readonly graphRunId: string | null;
}

interface AttemptWrite {
  readonly subject: AttemptSubject;
  readonly fence: Fence;
  readonly worker: string;
  readonly at: Date;
}

export interface AttemptStart extends AttemptWrite {
  /** The very first of its job run, as far as its worker knows: the row is as it was made. */
  readonly isFirst: boolean;
  /** Asks for a token of the warehouse's fence. */
  readonly needsToken: boolean;
  /** The job's code waits for the answer. Otherwise a job that ends at once is written in one go with its start. */
  readonly isAwaited: boolean;
}

export type StartAnswer =
  | {
      readonly verdict: 'started';
      readonly attempt: number;
      readonly epoch: number;
      readonly token: string | null;
      /** Workers that attempts before it have ended, in this epoch. */
      readonly workersEnded: number;
    }
  /** A SUCCESS is recorded in this epoch: the job does not run again. */
  | { readonly verdict: 'recorded'; readonly output: RecordedOutput | null; readonly isSkipped: boolean }
  /** The job has ended otherwise, or a newer execution has taken over. */
  | { readonly verdict: 'superseded'; readonly message: string };

export interface AttemptOutcome extends AttemptWrite {
  /** Its job may hold slots of pools, which its end frees. */
  readonly mayHoldSlots?: boolean;
  readonly end: AttemptEnd;
}

export type EndAnswer =
  /** Jobs of the same run that have slots of pools since its job has ended: to be told with its end. */
  | { readonly verdict: 'recorded'; readonly granted?: readonly GrantedSlots[] }
  | { readonly verdict: 'superseded'; readonly message: string };

/** One write that waits for its flush. */
export type PendingWrite =
  | {
      readonly type: 'start';
      readonly write: AttemptStart;
      answer(answer: StartAnswer): void;
      fail(error: unknown): void;
    }
  | {
      readonly type: 'end';
      readonly write: AttemptOutcome;
      answer(answer: EndAnswer): void;
      fail(error: unknown): void;
    };
