import { describe, expect, it } from 'vitest';
import { pendingReasons, type StoredState } from '../../graph/pending.ts';
import type { Plan } from '../../graph/plan.ts';
import { defaultRetry, defaultTimeoutMs, type JobRules } from '../../graph/rules.ts';

/** `root`, and six jobs below it. */
const keys = ['root', 'a', 'b', 'c', 'd', 'e', 'f'];
const plan: Plan = {
  keys,
  parents: keys.map((_, job) => (job === 0 ? [] : [0])),
  rules: [rulesWith({}), rulesWith({ pools: { narrow: 1 } })],
  ruleOf: [0, 0, 0, 0, 1, 1, 1],
  passing: [],
};

function rulesWith(more: Partial<JobRules>): JobRules {
  const base = { kind: 'noop', runIf: 'all_succeeded', allowFailure: false } as const;
  return { ...base, timeoutMs: defaultTimeoutMs, retry: defaultRetry, ...more };
}
const done: StoredState = { state: 'SUCCESS', reason: null };
const waits: StoredState = { state: 'PENDING', reason: null };

function reasonsWith(stored: Readonly<Record<string, StoredState>>, inFlightMax: number, isPaused = false) {
  const rows = keys.map((key) => [key, stored[key] ?? waits] as const);
  return Object.fromEntries(pendingReasons(plan, new Map(rows), { jobsInFlightMax: inFlightMax, isPaused }));
}

describe('a job that is PENDING', () => {
  it('waits for its upstream until all of that is final', () => {
    expect(reasonsWith({ root: { state: 'RUNNING', reason: null } }, 9)).toEqual(
      Object.fromEntries(keys.slice(1).map((key) => [key, 'upstream'])),
    );
  });

  it('is queued while there are places in flight, and waits for the window beyond them', () => {
    const reasons = reasonsWith({ root: done, a: { state: 'RUNNING', reason: null } }, 3);
    expect(reasons).toEqual({ b: 'queued', c: 'queued', d: 'window', e: 'window', f: 'window' });
  });

  it('keeps its place while it waits for its next attempt', () => {
    const reasons = reasonsWith({ root: done, b: { state: 'PENDING', reason: 'retry' } }, 2);
    expect(reasons).toEqual({ a: 'queued', c: 'window', d: 'window', e: 'window', f: 'window' });
  });

  it('is paused with its run when it is ready, and waits for its upstream before that', () => {
    const reasons = reasonsWith({ root: done, a: { state: 'RUNNING', reason: null } }, 3, true);
    expect(reasons).toEqual({ b: 'paused', c: 'paused', d: 'paused', e: 'paused', f: 'paused' });
    expect(reasonsWith({ a: { state: 'PENDING', reason: 'retry' } }, 9, true)).toMatchObject({
      root: 'paused',
      b: 'upstream',
    });
  });

  it('waits for slots as others of its run do, unless it has them, and takes no place in flight', () => {
    const reasons = reasonsWith(
      {
        root: done,
        d: { state: 'PENDING', reason: 'slot' },
        e: { state: 'PENDING', reason: null, hasSlots: true },
      },
      4,
    );
    expect(reasons).toEqual({ a: 'queued', b: 'queued', c: 'queued', e: 'queued', f: 'slot' });
  });

  it('passes on what a job waits for that the selection left out', () => {
    const stored = new Map([['f', waits]]);
    const pace = { jobsInFlightMax: 9, isPaused: false };
    const chain: Plan = { ...plan, passing: [1], parents: [[], [0], [], [], [], [], [1]] };
    expect(pendingReasons(chain, new Map([...stored, ['root', waits]]), pace).get('f')).toBe('upstream');
    expect(pendingReasons(chain, new Map([...stored, ['root', done]]), pace).get('f')).toBe('queued');
  });
});
