import { expect, it } from 'vitest';
import { z } from 'zod';
import type { GraphDefinition } from '../../graph/definition.ts';
import { defineJobKind } from '../../jobs/define-job-kind.ts';
import { useEngine } from '../support/engine.ts';
import { until } from '../support/until.ts';

const opened = Promise.withResolvers<void>();
const plain = { writesWarehouse: false, inputs: () => [], outputs: () => [] } as const;
const gate = defineJobKind({
  ...plain,
  kind: 'gate',
  config: z.strictObject({}),
  output: z.null(),
  run: async () => {
    await opened.promise;
    return null;
  },
});
const say = defineJobKind({
  ...plain,
  kind: 'say',
  config: z.strictObject({ text: z.string() }),
  output: z.string(),
  run: async (_ctx, config) => config.text,
});
const engine = await useEngine([gate, say]);
const { store } = engine;

/** `gate -> changed, dropped` at first. */
const before: GraphDefinition = {
  project: 'pinned',
  jobs: {
    gate: { kind: 'gate' },
    changed: { kind: 'say', config: { text: 'old' }, dependsOn: ['gate'] },
    dropped: { kind: 'say', config: { text: 'old' }, dependsOn: ['gate'] },
  },
};
const after: GraphDefinition = {
  project: 'pinned',
  jobs: {
    gate: { kind: 'gate' },
    added: { kind: 'say', config: { text: 'new' }, dependsOn: ['gate'] },
    changed: { kind: 'say', config: { text: 'new' }, dependsOn: ['added'] },
  },
};

async function outputsOf(id: string): Promise<Record<string, unknown>> {
  const { jobRuns } = await store.graphRuns.get(id);
  const details = await Promise.all(jobRuns.map((jobRun) => store.jobRuns.get(jobRun.id)));
  return Object.fromEntries(details.map(({ job, output }) => [job, output]));
}

it('a run stays what its version says, whatever is pushed meanwhile', async () => {
  await engine.push(before);
  const pinned = await engine.start('pinned');
  const waiting = await engine.startLone('pinned', 'gate');
  await until(async () => {
    const [run, lone] = [await store.graphRuns.get(pinned.id), await store.jobRuns.get(waiting.id)];
    return run.jobRuns[0]?.state === 'RUNNING' && lone.state === 'RUNNING' ? run : undefined;
  }, 'both work');
  await engine.push(after);
  opened.resolve();
  expect(await engine.ended(pinned.id)).toMatchObject({ state: 'SUCCESS', version: 1 });
  expect(await engine.endedJob(waiting.id)).toMatchObject({ state: 'SUCCESS' });
  expect(await outputsOf(pinned.id)).toEqual({ gate: null, changed: 'old', dropped: 'old' });
  expect(await engine.verify(pinned.id)).toMatchObject({ verdict: 'equal' });

  const next = await engine.run('pinned');
  expect(next).toMatchObject({ state: 'SUCCESS', version: 2 });
  expect(await outputsOf(next.id)).toEqual({ gate: null, added: 'new', changed: 'new' });
});
