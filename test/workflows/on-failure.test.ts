import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { defineJobKind } from '../../jobs/define-job-kind.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';

const plain = { output: z.null(), writesWarehouse: false, inputs: () => [], outputs: () => [] } as const;

let letGo = (): void => {};
const gate = new Promise<void>((resolve) => {
  letGo = resolve;
});
/** Works until the test lets it go on. */
const gated = defineJobKind({
  ...plain,
  kind: 'gated',
  config: z.strictObject({}),
  run: async (ctx) => {
    begun.push(`${ctx.job}#${ctx.attempt}`);
    await gate;
    return null;
  },
});
/** Fails once others of its run are as given. */
const fatal = defineJobKind({
  ...plain,
  kind: 'fatal',
  config: z.strictObject({ once: z.record(z.string(), z.string()) }),
  run: async (ctx, config) => {
    await until(async () => {
      const states = endsOf(await store.graphRuns.get(ctx.graphRunId ?? ''));
      return Object.entries(config.once).every(([job, state]) => states[job] === state) || undefined;
    }, 'the other jobs are as the test wants them');
    throw new Error('fatal');
  },
});

const { kinds, begun, broken } = createTestKinds();
const engine = await useEngine([...kinds, gated, fatal]);
const { store } = engine;

const once = { maximumAttempts: 1 };

function endsOf(run: GraphRunDetail): Record<string, string> {
  return Object.fromEntries(
    run.jobRuns.map(({ job, state, reason }) => [job, reason ? `${state}/${reason}` : state]),
  );
}

/** Waits for the workflow's own end as well: until then what is closed is explained, and not yet proved. */
async function runWhole(project: string): Promise<GraphRunDetail> {
  const { id, handle } = await engine.start(project);
  await handle.result().catch(() => {});
  return engine.ended(id);
}

describe('a run that stops on failure', () => {
  it('starts nothing new, lets end what is in flight, and goes on with the rest when it is resumed', async () => {
    broken.add('bad');
    await engine.push({
      project: 'stops',
      onFailure: 'stop',
      jobs: {
        allowed: { kind: 'flaky', config: { failures: 9 }, retry: once, allowFailure: true },
        bad: { kind: 'breakable', retry: once, dependsOn: ['allowed'] },
        slow: { kind: 'gated' },
        below_bad: { kind: 'noop', dependsOn: ['bad'] },
        below_slow: { kind: 'noop', dependsOn: ['slow'] },
        lowest: { kind: 'noop', dependsOn: ['below_slow'] },
        clean_up: { kind: 'noop', dependsOn: ['below_bad'], runIf: 'all_done' },
        unneeded: { kind: 'noop', dependsOn: ['slow'], runIf: 'any_failed' },
      },
    });
    const { id, handle: first } = await engine.start('stops');
    const stopping = await until(async () => {
      const run = await store.graphRuns.get(id);
      return endsOf(run).clean_up === 'FAILED/cancelled' && begun.includes('slow#1') ? run : undefined;
    }, 'what waited for the failed job ends');
    expect(endsOf(stopping)).toMatchObject({ slow: 'RUNNING', below_slow: 'PENDING/upstream' });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
    letGo();
    await expect(first.result()).rejects.toMatchObject({ cause: { type: 'job_failed' } });
    const run = await store.graphRuns.get(id);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
    expect(endsOf(run)).toEqual({
      allowed: 'FAILED/error',
      bad: 'FAILED/error',
      slow: 'SUCCESS',
      below_bad: 'FAILED/upstream_failed',
      below_slow: 'FAILED/cancelled',
      lowest: 'FAILED/upstream_failed',
      clean_up: 'FAILED/cancelled',
      unneeded: 'SUCCESS/skipped',
    });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', explained: [] });

    broken.clear();
    const choice = { from: null, latest: false, plan: null, actor: 'test' };
    const { workflowId } = await store.resumes.resume(id, choice);
    const args = [{ project: 'stops', graphRunId: id }];
    const { taskQueue } = engine;
    const handle = await engine.client.workflow.start('graphRun', { taskQueue, workflowId, args });
    await handle.result();
    const resumed = await store.graphRuns.get(id);
    expect(resumed.state).toBe('SUCCESS');
    expect(endsOf(resumed)).toMatchObject({ bad: 'SUCCESS', lowest: 'SUCCESS', clean_up: 'SUCCESS' });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('starts none of those that were ready and beyond the window', async () => {
    const wide = Array.from({ length: 120 }, (_, index) => [
      `j${index}`,
      { kind: 'flaky', config: { failures: 9 }, retry: once },
    ]);
    await engine.push({ project: 'wide', onFailure: 'stop', jobs: Object.fromEntries(wide) });
    const run = await runWhole('wide');
    const reasons = Object.groupBy(run.jobRuns, ({ reason }) => reason ?? '');
    expect([reasons.error?.length, reasons.cancelled?.length]).toEqual([100, 20]);
    expect(reasons.cancelled?.every(({ attempts }) => attempts === 0)).toBe(true);
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal', explained: [] });
  });
});

describe('a run that is cancelled on failure', () => {
  it('tells what is in flight to stop, whether it works or waits for its next attempt', async () => {
    await engine.push({
      project: 'cancels',
      onFailure: 'cancel',
      jobs: {
        first: { kind: 'noop' },
        works: { kind: 'endless' },
        waits: {
          kind: 'flaky',
          config: { failures: 1 },
          retry: { initialInterval: '1h', maximumInterval: '1h' },
        },
        fatal: {
          kind: 'fatal',
          config: { once: { works: 'RUNNING', waits: 'PENDING/retry' } },
          retry: once,
        },
        below: { kind: 'noop', dependsOn: ['works'] },
        beside: { kind: 'noop', dependsOn: ['first', 'works'], runIf: 'all_done' },
      },
    });
    const { id, handle } = await engine.start('cancels');
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'job_failed' } });
    const run = await store.graphRuns.get(id);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
    expect(endsOf(run)).toEqual({
      first: 'SUCCESS',
      works: 'FAILED/cancelled',
      waits: 'FAILED/cancelled',
      fatal: 'FAILED/error',
      below: 'FAILED/upstream_failed',
      beside: 'FAILED/cancelled',
    });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal', explained: [] });
  });
});
