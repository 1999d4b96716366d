// What a schedule does where its times meet a run that goes on, an outage, or a day on which the clock is changed.

/** Temporal's words: what becomes of a time at which an earlier run of the schedule is still open. */
export const overlapPolicies = [
  'skip',
  'buffer_one',
  'buffer_all',
  'cancel_other',
  'terminate_other',
  'allow_all',
] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** Temporal starts the run of such a time when the one before has ended, however long after. */
export function waitsForEnd(overlap: OverlapPolicy): boolean {
  return overlap === 'buffer_one' || overlap === 'buffer_all' || overlap === 'cancel_other';
}

/** Which of the times that were missed during an outage are made up for: the newest one, all, or none. */
export const catchUpPolicies = ['none', 'latest', 'all'] as const;
export type CatchUpPolicy = (typeof catchUpPolicies)[number];

/** A fixed time that does not exist on a day: left out, or moved by what the clock is put forward. */
export const gapChoices = ['skip', 'shift'] as const;
export type GapChoice = (typeof gapChoices)[number];

/** A fixed time that comes twice on a day. */
export const repeatChoices = ['first', 'last', 'both'] as const;
export type RepeatChoice = (typeof repeatChoices)[number];

export interface Dst {
  readonly gap: GapChoice;
  readonly overlap: RepeatChoice;
}

export const defaultDst: Dst = { gap: 'shift', overlap: 'first' };

export interface Policies {
  readonly overlap: OverlapPolicy;
  readonly catchUp: { readonly missed: CatchUpPolicy; readonly windowMs: number };
  readonly pauseOnFailure: boolean;
}

/** What comes so late by itself is not late, whatever the catch-up says. */
export const graceMs = 60_000;

/** Never Temporal's own window, which is a year. */
export const defaultCatchUp: Policies['catchUp'] = { missed: 'latest', windowMs: 3_600_000 };
