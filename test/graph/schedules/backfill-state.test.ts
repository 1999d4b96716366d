import { expect, test } from 'vitest';
import {
  type BackfillFacts,
  backfillStateOf,
  estimateMs,
  planBackfill,
} from '../../../graph/schedules/backfill-state.ts';

const facts: BackfillFacts = { stop: null, handled: 5, left: 0, open: 0, failed: 0 };

test.each([
  [{ handled: 0, left: 5 }, 'PENDING queued'],
  [{ left: 3 }, 'RUNNING'],
  [{ left: 3, open: 2 }, 'RUNNING'],
  [{ open: 1, failed: 1 }, 'RUNNING'],
  [{}, 'SUCCESS'],
  [{ failed: 1 }, 'FAILED run_failed'],
  [{ stop: 'cancelled', left: 3, open: 2 }, 'FAILED cancelled'],
  [{ stop: 'invalid', handled: 0, left: 5 }, 'FAILED invalid'],
  [{ stop: 'schedule_deleted', failed: 1 }, 'FAILED schedule_deleted'],
  [{ stop: 'cancelled', open: 1 }, 'FAILED cancelled'],
  [{ stop: 'cancelled' }, 'SUCCESS'],
] as const)('one with %j is %s', (of, expected) => {
  const { state, reason } = backfillStateOf({ ...facts, ...of });
  expect([state, reason].filter(Boolean).join(' ')).toBe(expected);
});

const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour));
const next = [true, false, true, false, false].map((hasRun, hour) => ({
  at: at(hour),
  hasRun,
  isUndecided: false,
}));

test('so many runs are made as there are places, without times that have had one', () => {
  expect(planBackfill(next, { places: 2, again: false })).toEqual({
    runs: [
      { at: at(1), isSlot: true },
      { at: at(3), isSlot: true },
    ],
    handled: 4,
    skipped: 2,
  });
  expect(planBackfill(next, { places: 9, again: false })).toMatchObject({ handled: 5, skipped: 2 });
  expect(planBackfill(next, { places: 0, again: false })).toEqual({ runs: [], handled: 0, skipped: 0 });
});

test.each([true, false])('one that may lose its run again is waited for (again: %s)', (again) => {
  const undecided = next.map((time, hour) => ({ ...time, isUndecided: hour === 2 }));
  const step = planBackfill(undecided, { places: 9, again });
  expect(step.handled).toBe(2);
  expect(step.runs).toContainEqual({ at: at(1), isSlot: true });
});

test('with `again` those get another run, which is not the one of its time', () => {
  expect(planBackfill(next, { places: 2, again: true })).toEqual({
    runs: [
      { at: at(0), isSlot: false },
      { at: at(1), isSlot: true },
    ],
    handled: 2,
    skipped: 0,
  });
});

test('an estimate is of whole rounds, and of nothing without a run that tells', () => {
  expect(estimateMs(11, { meanMs: 1_000, atOnce: 5 })).toBe(3_000);
  expect(estimateMs(0, { meanMs: null, atOnce: 5 })).toBe(0);
  expect(estimateMs(1, { meanMs: null, atOnce: 5 })).toBeNull();
});
