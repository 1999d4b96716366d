import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../graph/plan.ts';
import {
  abandonRest,
  beginProgress,
  completeJob,
  decide,
  isDone,
  notStarted,
  take,
  takeReady,
  takeSettled,
  verdict,
} from '../../graph/planner.ts';
import { defaultRetry } from '../../graph/rules.ts';
import type { JobEnd } from '../../graph/states.ts';
import { randomPlan } from './random-plan.ts';

const success: JobEnd = { state: 'SUCCESS', reason: null };
const failure: JobEnd = { state: 'FAILED', reason: 'error' };

interface Trace {
  readonly started: number[];
  readonly settled: number[];
  readonly ends: Map<number, JobEnd>;
  readonly result: ReturnType<typeof verdict>;
  readonly mostInFlight: number;
}

/** Runs a plan to its end: jobs in flight end in an order and a way that `choices` decides. */
function simulate(plan: Plan, window: number, choices: readonly number[]): Trace {
  const progress = beginProgress(plan);
  const [started, settled, inFlight] = [[] as number[], [] as number[], [] as number[]];
  const ends = new Map<number, JobEnd>();
  let mostInFlight = 0;
  for (let step = 0; ; step += 1) {
    const taken = takeReady(progress, window - inFlight.length);
    started.push(...taken);
    inFlight.push(...taken);
    mostInFlight = Math.max(mostInFlight, inFlight.length);
    for (const { job, end } of takeSettled(progress)) {
      settled.push(job);
      ends.set(job, end);
    }
    if (inFlight.length === 0) return { started, settled, ends, result: verdict(progress), mostInFlight };
    const choice = choices[step % choices.length] ?? 0;
    const [job] = inFlight.splice(choice % inFlight.length, 1) as [number];
    const end = choice % 3 === 0 ? failure : success;
    ends.set(job, end);
    completeJob(progress, job, end);
    expect(isDone(progress)).toBe(progress.open === 0);
  }
}

const choices = fc.array(fc.nat(100), { minLength: 1, maxLength: 50 });
const window = fc.integer({ min: 1, max: 5 });

describe('the planner, over random graphs', () => {
  it('starts no job before all its parents are final, not even through jobs that are left out', () => {
    fc.assert(
      fc.property(randomPlan({ passing: true }), window, choices, (plan, most, order) => {
        const passing = new Set(plan.passing);
        const final = new Set<number>();
        const progress = beginProgress(plan);
        const parentsFinal = (job: number): boolean =>
          (plan.parents[job] ?? []).every((parent) =>
            passing.has(parent) ? parentsFinal(parent) : final.has(parent),
          );
        const inFlight: number[] = [];
        for (let step = 0; !isDone(progress); step += 1) {
          for (const { job } of takeSettled(progress)) {
            expect(parentsFinal(job)).toBe(true);
            final.add(job);
          }
          for (const job of takeReady(progress, most - inFlight.length)) {
            expect(parentsFinal(job)).toBe(true);
            inFlight.push(job);
          }
          if (inFlight.length === 0) break;
          const [job] = inFlight.splice((order[step % order.length] ?? 0) % inFlight.length, 1) as [number];
          final.add(job);
          completeJob(progress, job, step % 3 === 0 ? failure : success);
        }
        expect(isDone(progress)).toBe(true);
      }),
    );
  });

  it('starts or settles each job exactly once, and always ends', () => {
    fc.assert(
      fc.property(randomPlan({ passing: true }), window, choices, (plan, most, order) => {
        const { started, settled } = simulate(plan, most, order);
        const all = plan.keys.flatMap((_, job) => (plan.passing.includes(job) ? [] : [job]));
        expect([...started, ...settled].sort((a, b) => a - b)).toEqual(all);
      }),
    );
  });

  it('never has more in flight than the window', () => {
    fc.assert(
      fc.property(randomPlan(), window, choices, (plan, most, order) => {
        expect(simulate(plan, most, order).mostInFlight).toBeLessThanOrEqual(most);
      }),
    );
  });

  it('fails the run if and only if a job without allowFailure is FAILED', () => {
    fc.assert(
      fc.property(randomPlan({ passing: true }), window, choices, (plan, most, order) => {
        const { ends, result } = simulate(plan, most, order);
        const hard = [...ends].some(([job, end]) => end.state === 'FAILED' && !plan.rules[job]?.allowFailure);
        expect(result.state).toBe(hard ? 'FAILED' : 'SUCCESS');
      }),
    );
  });

  it('starts nothing after a failure that is not allowed, where the run is to stop, and ends all else', () => {
    fc.assert(
      fc.property(randomPlan({ passing: true }), window, choices, (given, most, order) => {
        const plan: Plan = { ...given, onFailure: 'stop' };
        const progress = beginProgress(plan);
        const [inFlight, unstarted] = [[] as number[], [] as number[]];
        for (let step = 0; !isDone(progress); step += 1) {
          const ready = takeReady(progress, most - inFlight.length);
          if (progress.stopped) expect(ready).toEqual([]);
          inFlight.push(...ready);
          unstarted.push(...takeSettled(progress).map(({ job }) => job));
          const choice = order[step % order.length] ?? 0;
          const [job] = inFlight.splice(choice % inFlight.length, 1);
          if (job === undefined) continue;
          completeJob(progress, job, choice % 3 === 0 ? failure : success);
          if (choice % 3 === 0 && !plan.rules[job]?.allowFailure) expect(progress.stopped).toBe(true);
        }
        const reasons = unstarted.map((job) => progress.ends[job]?.reason);
        const isExpected = (reason: unknown) =>
          reason === 'upstream_failed' ||
          reason === 'skipped' ||
          (progress.stopped && reason === 'cancelled');
        expect(reasons.every(isExpected)).toBe(true);
      }),
    );
  });

  it('ends every job that was not started when the rest is abandoned', () => {
    fc.assert(
      fc.property(randomPlan({ passing: true }), window, (plan, most) => {
        const progress = beginProgress(plan);
        const taken = takeReady(progress, most);
        const before = takeSettled(progress).length;
        abandonRest(progress, { state: 'FAILED', reason: 'cancelled' });
        for (const job of taken) completeJob(progress, job, success);
        expect(isDone(progress)).toBe(true);
        expect(takeReady(progress, 100)).toEqual([]);
        expect(before + takeSettled(progress).length + taken.length).toBe(
          plan.keys.length - plan.passing.length,
        );
      }),
    );
  });
});

describe('decide', () => {
  const upstreamFailed = { state: 'FAILED', reason: 'upstream_failed' };
  const skipped = { state: 'SUCCESS', reason: 'skipped' };
  it.each([
    ['all_succeeded', { ok: 0, skipped: 0, failed: 0 }, 'run'],
    ['all_succeeded', { ok: 1, skipped: 1, failed: 0 }, 'run'],
    ['all_succeeded', { ok: 0, skipped: 2, failed: 0 }, skipped],
    ['all_succeeded', { ok: 1, skipped: 0, failed: 1 }, upstreamFailed],
    ['none_failed', { ok: 0, skipped: 2, failed: 0 }, 'run'],
    ['none_failed', { ok: 2, skipped: 0, failed: 1 }, upstreamFailed],
    ['any_succeeded', { ok: 1, skipped: 0, failed: 3 }, 'run'],
    ['any_succeeded', { ok: 0, skipped: 1, failed: 1 }, upstreamFailed],
    ['any_succeeded', { ok: 0, skipped: 2, failed: 0 }, skipped],
    ['any_failed', { ok: 3, skipped: 0, failed: 1 }, 'run'],
    ['any_failed', { ok: 3, skipped: 0, failed: 0 }, skipped],
    ['all_done', { ok: 0, skipped: 0, failed: 9 }, 'run'],
  ] as const)('%s with parents %j: %j', (runIf, parents, expected) => {
    expect(decide(runIf, parents)).toEqual(expected);
  });
});

describe('the planner', () => {
  it('refuses an end for a job that was not started, and a second end', () => {
    const plan = fc.sample(randomPlan({ runIf: 'all_done' }), { numRuns: 1, seed: 1 })[0] as Plan;
    const progress = beginProgress(plan);
    expect(() => completeJob(progress, 0, success)).toThrow('was not started');
    const [job] = takeReady(progress, 1) as [number];
    completeJob(progress, job, success);
    expect(() => completeJob(progress, job, success)).toThrow('has ended already');
  });

  it('stops for no failure that is allowed, nor for one that a resume has kept', () => {
    const rules = { kind: 'noop', runIf: 'all_done', timeoutMs: 1, retry: defaultRetry } as const;
    const plan: Plan = {
      keys: ['kept', 'allowed', 'below'],
      parents: [[], [], [0, 1]],
      rules: [
        { ...rules, allowFailure: true },
        { ...rules, allowFailure: false },
      ],
      ruleOf: [1, 0, 1],
      passing: [],
      onFailure: 'stop',
    };
    const progress = beginProgress(plan, { succeeded: [], skipped: [], failed: [0] });
    expect(takeReady(progress, 5)).toEqual([1]);
    completeJob(progress, 1, failure);
    expect(takeReady(progress, 5)).toEqual([2]);
  });

  it('ends a job that is taken out of its turn, once, and what is below it by its rules', () => {
    const rules = { kind: 'noop', allowFailure: false, timeoutMs: 1, retry: defaultRetry } as const;
    const plan: Plan = {
      keys: ['a', 'b', 'below', 'left_out', 'anyway'],
      parents: [[], [0], [1], [1], [3]],
      rules: [
        { ...rules, runIf: 'all_succeeded' },
        { ...rules, runIf: 'all_done' },
      ],
      ruleOf: [0, 0, 0, 0, 1],
      passing: [3],
    };
    const progress = beginProgress(plan);
    expect([take(progress, 3), take(progress, -1), take(progress, 9)]).toEqual([false, false, false]);
    expect([take(progress, 1), take(progress, 1)]).toEqual([true, false]);
    completeJob(progress, 1, notStarted);
    expect(take(progress, 1)).toBe(false);
    expect(takeReady(progress, 9)).toEqual([0, 4]);
    expect(takeSettled(progress)).toEqual([{ job: 2, end: { state: 'FAILED', reason: 'upstream_failed' } }]);
    completeJob(progress, 0, success);
    expect(takeReady(progress, 9)).toEqual([]);
    completeJob(progress, 4, success);
    expect([isDone(progress), verdict(progress).state]).toEqual([true, 'FAILED']);
  });

  it('starts no job that was ready and is taken out of its turn, nor ends it twice', () => {
    const rules = { kind: 'noop', runIf: 'all_succeeded', allowFailure: false, timeoutMs: 1 } as const;
    const plan: Plan = {
      keys: ['a', 'b', 'c'],
      parents: [[], [], []],
      rules: [{ ...rules, retry: defaultRetry }],
      ruleOf: [0, 0, 0],
      passing: [],
      onFailure: 'stop',
    };
    const progress = beginProgress(plan);
    expect([takeReady(progress, 1), take(progress, 1)]).toEqual([[0], true]);
    completeJob(progress, 0, failure);
    expect(takeSettled(progress)).toEqual([{ job: 2, end: notStarted }]);
    completeJob(progress, 1, notStarted);
    expect(isDone(progress)).toBe(true);
  });

  it('walks a chain of 10,000 jobs in which the first fails', () => {
    const keys = Array.from({ length: 10_000 }, (_, index) => `j${index}`);
    const rules = { kind: 'noop', runIf: 'all_succeeded', allowFailure: false, timeoutMs: 1 } as const;
    const retry = {
      maximumAttempts: 1,
      initialIntervalMs: 1,
      backoffCoefficient: 1,
      maximumIntervalMs: 1,
      nonRetryableErrors: [],
    };
    const parents = keys.map((_, index) => (index === 0 ? [] : [index - 1]));
    const plan: Plan = {
      keys,
      parents,
      rules: [{ ...rules, retry }],
      ruleOf: keys.map(() => 0),
      passing: [],
    };
    const progress = beginProgress(plan);
    expect(takeReady(progress, 100)).toEqual([0]);
    completeJob(progress, 0, failure);
    expect(takeSettled(progress)).toHaveLength(9_999);
    expect(verdict(progress)).toEqual({ state: 'FAILED', reason: 'job_failed' });
  });
});
