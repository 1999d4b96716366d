import { describe, expect, it } from 'vitest';
import { limits } from '../../graph/limits.ts';
import { nextStep } from '../../workflows/history-budget.ts';

const short = { events: 100, bytes: 10_000, isLong: false };
const long = { ...short, isLong: true };
const manyEvents = { ...long, events: limits.historyEvents };
const manyBytes = { ...long, bytes: limits.historyBytes };

describe('an execution', () => {
  it('starts what is ready while its history is short, whatever is in flight', () => {
    expect([0, 1, 100].map((inFlight) => nextStep(short, inFlight))).toEqual(['start', 'start', 'start']);
  });

  it('with a long history goes on in a new one where nothing is in flight, and waits for nothing', () => {
    expect([0, 1, 100].map((inFlight) => nextStep(long, inFlight))).toEqual(['continue', 'start', 'start']);
  });

  it.each([
    ['events', manyEvents],
    ['bytes', manyBytes],
  ])('at its limit of %s starts nothing until nothing is in flight', (_what, history) => {
    expect([0, 1, 100].map((inFlight) => nextStep(history, inFlight))).toEqual([
      'continue',
      'drain',
      'drain',
    ]);
  });
});
