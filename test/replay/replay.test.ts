// Histories of runs as they were recorded, replayed on today's workflows: a change that would break runs under way fails
// here. `RECORD_HISTORIES=1 npx vitest run test/replay` adds today's history of each shape below; old ones stay.
import { readdirSync, readFileSync } from 'node:fs';
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import { runSignals } from '../../workflows/contract.ts';
import { useEngine } from '../support/engine.ts';
import { createHeld } from '../support/held.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';
import { histories, replay, takeHistory } from './histories.ts';

const { kinds, begun, broken } = createTestKinds();
const held = createHeld();
const engine = await useEngine([...kinds, held.kind]);

const shapes: Record<string, GraphDefinition['jobs']> = {
  diamond: {
    top: { kind: 'noop' },
    left: { kind: 'noop', dependsOn: ['top'] },
    right: { kind: 'noop', dependsOn: ['top'] },
    bottom: { kind: 'noop', dependsOn: ['left', 'right'] },
  },
  failing: {
    bad: { kind: 'flaky', config: { failures: 9 }, retry: { maximumAttempts: 2, initialInterval: '10ms' } },
    below: { kind: 'noop', dependsOn: ['bad'] },
    after: { kind: 'noop', dependsOn: ['below'], runIf: 'all_done' },
    beside: { kind: 'noop' },
  },
  skipping: {
    good: { kind: 'noop' },
    alarm: { kind: 'noop', dependsOn: ['good'], runIf: 'any_failed' },
    below: { kind: 'noop', dependsOn: ['alarm'] },
  },
  conditional: {
    good: { kind: 'noop' },
    never: { kind: 'noop', when: 'outputs.good.job != "good"' },
    below: { kind: 'noop', dependsOn: ['never'] },
    anyway: { kind: 'noop', dependsOn: ['never'], runIf: 'none_failed' },
  },
  wide: Object.fromEntries(Array.from({ length: 105 }, (_, index) => [`j${index}`, { kind: 'noop' }])),
  resumed: {
    kept: { kind: 'noop' },
    mended: { kind: 'breakable', dependsOn: ['kept'], retry: { maximumAttempts: 1 } },
    below: { kind: 'noop', dependsOn: ['kept', 'mended'] },
  },
  cancelled: { endless: { kind: 'endless' }, below: { kind: 'noop', dependsOn: ['endless'] } },
  stopped: {
    bad: { kind: 'flaky', config: { failures: 9 }, retry: { maximumAttempts: 1 } },
    slow: { kind: 'noop', config: { ms: 500 } },
    below: { kind: 'noop', dependsOn: ['slow'] },
  },
  'called-off': {
    bad: { kind: 'flaky', config: { failures: 9 }, retry: { maximumAttempts: 1 } },
    endless: { kind: 'endless' },
    below: { kind: 'noop', dependsOn: ['endless'] },
  },
  paused: {
    first: { kind: 'held', config: { gate: 'paused' } },
    below: { kind: 'noop', dependsOn: ['first'] },
  },
  'one-cancelled': {
    first: { kind: 'held', config: { gate: 'one-cancelled' } },
    endless: { kind: 'endless' },
    below: { kind: 'noop', dependsOn: ['first'] },
    beside: { kind: 'noop', dependsOn: ['first'] },
  },
  overdue: { endless: { kind: 'endless' }, below: { kind: 'noop', dependsOn: ['endless'] } },
  pooled: {
    first: { kind: 'noop', pools: { narrow: 1 } },
    second: { kind: 'noop', pools: { narrow: 1 }, dependsOn: ['beside'] },
    third: { kind: 'noop', pools: { narrow: 1, wide: 2 }, priority: 5, dependsOn: ['beside'] },
    beside: { kind: 'noop' },
  },
  'job-overdue': {
    endless: { kind: 'endless', totalTimeout: '1s' },
    below: { kind: 'noop', dependsOn: ['endless'] },
  },
};

/** What a shape's graph says of its runs. */
const settings: Record<string, Partial<GraphDefinition>> = {
  stopped: { onFailure: 'stop' },
  'called-off': { onFailure: 'cancel' },
  overdue: { timeout: '1s' },
};

async function runShape(name: string, jobs: GraphDefinition['jobs']) {
  for (const pool of ['narrow', 'wide'])
    await engine.store.pools.put({
      name: pool,
      slots: pool === 'wide' ? 2 : 1,
      description: '',
      actor: 'test',
    });
  await engine.push({ project: name, ...settings[name], jobs });
  if (name === 'resumed') broken.add('mended');
  const { id, handle } = await engine.start(name);
  if (name === 'cancelled') {
    await until(() => (begun.includes('endless#1') ? true : undefined), 'the job to cancel runs');
    await handle.cancel();
  }
  if (name === 'paused') await pauseAndUnpause(id, handle);
  if (name === 'one-cancelled') await cancelJobs(id, handle, ['endless', 'below']);
  await handle.result().catch(() => {});
  return name === 'resumed' ? resume(id) : handle;
}

/** In flight or before it begins; then the rest goes on. */
async function cancelJobs(id: string, handle: WorkflowHandle, jobs: readonly string[]): Promise<void> {
  const untilJobs = (state: 'RUNNING' | 'FAILED') =>
    until(async () => {
      const { jobCounts } = await engine.store.graphRuns.get(id);
      return jobCounts[state] === jobs.length ? true : undefined;
    }, `two jobs are ${state}`);
  await untilJobs('RUNNING');
  for (const job of jobs) await handle.signal(runSignals.cancelJob, { job });
  await untilJobs('FAILED');
  held.letGo('one-cancelled');
}

/** By hand, on and off by request, and on by hand. */
async function pauseAndUnpause(id: string, handle: WorkflowHandle): Promise<void> {
  const { pauses, graphRuns } = engine.store;
  await handle.signal(runSignals.pause, { by: 'me' });
  await until(async () => (await graphRuns.get(id)).pause ?? undefined, 'the row says that it is paused');
  for (const paused of [false, true]) {
    await pauses.set({ id, paused, note: null, actor: 'test' });
    const [{ number } = { number: 0 }] = await pauses.untold(null, 1);
    await handle.signal(runSignals.setPause, { number, paused });
  }
  held.letGo('paused');
  await until(
    async () => ((await graphRuns.get(id)).jobCounts.SUCCESS === 1 ? true : undefined),
    'the first ends',
  );
  await handle.signal(runSignals.unpause);
}

async function resume(id: string) {
  broken.clear();
  const choice = { from: null, latest: false, plan: null, actor: 'test' };
  const { workflowId, project } = await engine.store.resumes.resume(id, choice);
  const { taskQueue } = engine;
  const args = [{ project, graphRunId: id }];
  const handle = await engine.client.workflow.start('graphRun', { taskQueue, workflowId, args });
  await handle.result();
  return handle;
}

describe('the workflows', () => {
  it.each(Object.entries(shapes))(
    'replay a run of the shape %s that they have just made',
    async (name, jobs) => {
      const handle = await runShape(name, jobs);
      expect(await replay(handle.workflowId, await takeHistory(name, handle))).toBeUndefined();
    },
  );

  const stored = readdirSync(histories).filter((file) => file.endsWith('.json'));

  it('have stored histories of every shape', () => {
    const missing = Object.keys(shapes).filter((name) => !stored.some((file) => file.startsWith(`${name}-`)));
    expect(missing).toEqual([]);
  });

  it.each(stored)('replay the stored history %s', async (file) => {
    const history: unknown = JSON.parse(readFileSync(new URL(file, histories), 'utf8'));
    expect(await replay(file, history)).toBeUndefined();
  });

  it('are told apart from workflows that would do something else', async () => {
    const [file = ''] = stored.filter((name) => name.startsWith('diamond-'));
    const text = readFileSync(new URL(file, histories), 'utf8');
    const error = await replay(file, JSON.parse(text.replaceAll('"runJob"', '"runOther"')));
    expect(error?.name).toBe('DeterminismViolationError');
  });
});
