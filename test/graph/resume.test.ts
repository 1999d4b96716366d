import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraphJob } from '../../graph/graph.ts';
import { makePlan } from '../../graph/plan.ts';
import { beginProgress, completeJob, isDone, takeReady, takeSettled, verdict } from '../../graph/planner.ts';
import { type EndedJobRun, keptJobs, planResume, type ResumeFacts } from '../../graph/resume.ts';
import { defaultRetry, defaultTimeoutMs } from '../../graph/rules.ts';
import { randomPlan } from './random-plan.ts';

function jobOf(key: string, dependsOn: readonly string[] = [], more: Partial<GraphJob> = {}): GraphJob {
  const rules = { kind: 'noop', runIf: 'all_succeeded', allowFailure: false } as const;
  return {
    ...{ key, config: {}, dependsOn, inputs: [], files: [], outputs: [key] },
    rules: { ...rules, timeoutMs: defaultTimeoutMs, retry: defaultRetry },
    ...more,
  };
}

/** a → b → c, and d beside them. */
const jobs = [jobOf('a'), jobOf('b', ['a']), jobOf('c', ['b']), jobOf('d')];
const graph = { project: 'p', timezone: 'UTC', jobs };
const definitionOf = (key: string) => jobs.find((job) => job.key === key);

function endedAs(states: Readonly<Record<string, string>>): Map<string, EndedJobRun> {
  return new Map(
    Object.entries(states).map(([key, text]) => {
      const [state, reason = null] = text.split('/');
      const attempts = reason === 'upstream_failed' ? 0 : 1;
      const isMarked = text.endsWith('+marked');
      const end = {
        state: state as 'FAILED',
        reason: reason?.replace('+marked', '') ?? null,
        attempts,
        isMarked,
      };
      return [key, { ...end, definition: definitionOf(key) }];
    }),
  );
}

function planned(facts: Partial<ResumeFacts>): Record<string, string> {
  const selected = new Set((facts.graph ?? graph).jobs.map(({ key }) => key));
  const ended = endedAs({ a: 'SUCCESS', b: 'FAILED/error', c: 'FAILED/upstream_failed', d: 'SUCCESS' });
  const plan = planResume({ graph, selected, ended, from: null, changedInputs: new Map(), ...facts });
  return Object.fromEntries(
    plan.map(({ job, action, reasons }) => {
      const why = reasons.map(({ reason, because }) => [reason, ...because].join(' '));
      return [job, `${action}: ${why.join(', ')}`];
    }),
  );
}

describe('the plan of a resume', () => {
  it('reruns exactly what failed and what was not reached', () => {
    expect(planned({})).toEqual({
      a: 'keep: succeeded',
      b: 'rerun: failed',
      c: 'rerun: unreached, downstream b',
      d: 'keep: succeeded',
    });
  });

  it('reruns chosen jobs with all downstream, and nothing else', () => {
    expect(planned({ from: new Set(['d']) })).toEqual({
      a: 'keep: succeeded',
      b: 'keep: not_chosen',
      c: 'keep: not_chosen',
      d: 'rerun: chosen',
    });
    const all = endedAs({ a: 'SUCCESS', b: 'SUCCESS', c: 'SUCCESS/skipped', d: 'SUCCESS' });
    expect(planned({ ended: all, from: new Set(['b']) })).toEqual({
      a: 'keep: succeeded',
      b: 'rerun: chosen',
      c: 'rerun: downstream b',
      d: 'keep: succeeded',
    });
  });

  it('keeps what somebody has marked as done, also below what runs again, unless it is chosen', () => {
    const ended = endedAs({ a: 'SUCCESS', b: 'FAILED/error+marked', c: 'FAILED/error', d: 'SUCCESS' });
    expect(planned({ ended })).toMatchObject({ b: 'keep: marked', c: 'rerun: failed' });
    expect(planned({ ended, from: new Set(['b']) })).toMatchObject({
      b: 'rerun: chosen',
      c: 'rerun: downstream b',
    });
    expect(planned({ ended, from: new Set(['d']) })).toMatchObject({
      b: 'keep: marked',
      c: 'keep: not_chosen',
    });
    const below = endedAs({ a: 'SUCCESS', b: 'FAILED/error', c: 'FAILED/error+marked', d: 'SUCCESS' });
    expect(planned({ ended: below })).toMatchObject({ b: 'rerun: failed', c: 'keep: marked' });
  });

  it('reruns what is defined otherwise now, and what reads something that was replaced', () => {
    const all = endedAs({ a: 'SUCCESS', b: 'SUCCESS', c: 'SUCCESS', d: 'SUCCESS' });
    const changed = { ...graph, jobs: [jobs[0], jobs[1], jobs[2], jobOf('d', [], { config: { x: 1 } })] };
    expect(planned({ ended: all, graph: changed as typeof graph })).toMatchObject({
      c: 'keep: succeeded',
      d: 'rerun: definition_changed',
    });
    expect(planned({ ended: all, changedInputs: new Map([['b', ['a']]]) })).toMatchObject({
      a: 'keep: succeeded',
      b: 'rerun: input_changed a',
      c: 'rerun: downstream b',
    });
  });

  it('keeps what is defined alike in another order, as an older version may have it', () => {
    const all = endedAs({ a: 'SUCCESS', b: 'SUCCESS', c: 'SUCCESS', d: 'SUCCESS' });
    const turned = jobs.map((job) => Object.fromEntries(Object.entries(job).reverse()) as typeof job);
    const plan = planned({ ended: all, graph: { ...graph, jobs: turned } });
    expect(new Set(Object.values(plan))).toEqual(new Set(['keep: succeeded']));
  });

  it('runs jobs that the latest graph adds, and drops those that it does not have any more', () => {
    const latest = { ...graph, jobs: [...jobs.slice(0, 3), jobOf('e', ['a'])] };
    expect(planned({ graph: latest })).toMatchObject({ e: 'rerun: added', d: 'drop: removed' });
  });

  it('follows a rerun through jobs that the selection left out', () => {
    const ended = endedAs({ a: 'FAILED/error', c: 'SUCCESS' });
    expect(planned({ ended, selected: new Set(['a', 'c']) })).toEqual({
      a: 'rerun: failed',
      c: 'rerun: downstream a',
    });
  });
});

describe('the planner, resuming', () => {
  it('comes to the same end as a run in which all had gone well at once, and starts what it is to rerun only', () => {
    const failing = fc.array(fc.boolean(), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(randomPlan({ runIf: 'all_succeeded' }), failing, (plan, fails) => {
        const first = beginProgress(plan);
        const ends = new Map<string, EndedJobRun>();
        const note = (job: number, state: 'SUCCESS' | 'FAILED', reason: string | null, attempts: number) =>
          ends.set(plan.keys[job] as string, {
            state,
            reason,
            attempts,
            isMarked: false,
            definition: undefined,
          });
        for (let ready = takeReady(first, 99); ready.length > 0; ready = takeReady(first, 99)) {
          for (const job of ready) {
            const end = fails[job]
              ? ({ state: 'FAILED', reason: 'error' } as const)
              : ({ state: 'SUCCESS', reason: null } as const);
            completeJob(first, job, end);
            note(job, end.state, end.reason, 1);
          }
        }
        for (const { job, end } of takeSettled(first)) note(job, end.state, end.reason, 0);
        const again = plan.keys.filter((key) => ends.get(key)?.state !== 'SUCCESS');
        const kept = new Map([...ends].filter(([key]) => !again.includes(key)));
        const second = beginProgress(plan, keptJobs(plan, kept));
        const started: string[] = [];
        for (let ready = takeReady(second, 99); ready.length > 0; ready = takeReady(second, 99)) {
          for (const job of ready) {
            started.push(plan.keys[job] as string);
            completeJob(second, job, { state: 'SUCCESS', reason: null });
          }
        }
        expect(started.sort()).toEqual([...again].sort());
        expect(isDone(second)).toBe(true);
        expect(verdict(second)).toEqual({ state: 'SUCCESS', reason: null });
      }),
    );
  });

  it('knows what was skipped from what succeeded, and what failed', () => {
    const plan = makePlan(graph, new Set(['a', 'b', 'c', 'd']));
    const at = (key: string) => plan.keys.indexOf(key);
    const skipped = beginProgress(plan, { succeeded: [], skipped: [at('a')], failed: [at('d')] });
    expect(takeReady(skipped, 9)).toEqual([]);
    expect(takeSettled(skipped).map(({ end }) => end)).toEqual([
      { state: 'SUCCESS', reason: 'skipped' },
      { state: 'SUCCESS', reason: 'skipped' },
    ]);
    expect(verdict(skipped)).toEqual({ state: 'FAILED', reason: 'job_failed' });
  });
});
