import { describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import { CodedError } from '../../graph/errors.ts';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { resetPoints, resetWorkflow } from '../support/reset.ts';
import { until } from '../support/until.ts';

const { kinds, begun } = createTestKinds();
let isAway = false;
const engine = await useEngine(kinds, (store) => ({
  ...store,
  recorder: {
    ...store.recorder,
    end: async (outcome) => {
      if (isAway && outcome.end.kind === 'success') {
        throw new CodedError('STORE_UNAVAILABLE', 'Postgres is away.');
      }
      return store.recorder.end(outcome);
    },
  },
}));
const { store } = engine;

function endsOf({ jobRuns }: GraphRunDetail) {
  return Object.fromEntries(
    jobRuns.map(({ job, state, reason }) => [job, reason ? `${state}/${reason}` : state]),
  );
}

/** `b` is skipped by its condition unless the parameter says otherwise. */
function conditional(project: string): GraphDefinition {
  return {
    project,
    params: { min: { type: 'integer', default: 10 } },
    jobs: {
      a: { kind: 'echo', config: { year: 5 } },
      b: { kind: 'echo', when: 'outputs.a.year >= params.min' },
      below: { kind: 'echo', dependsOn: ['b'] },
      anyway: { kind: 'echo', dependsOn: ['b'], runIf: 'none_failed' },
    },
  };
}

describe('a condition', () => {
  it('that is false skips its job, and what needs it', async () => {
    await engine.push(conditional('skips'));
    const run = await engine.run('skips');
    expect([run.state, endsOf(run)]).toEqual([
      'SUCCESS',
      { a: 'SUCCESS', b: 'SUCCESS/skipped', below: 'SUCCESS/skipped', anyway: 'SUCCESS' },
    ]);
    expect(begun.filter((attempt) => attempt.startsWith('b#'))).toEqual([]);
    const [b] = run.jobRuns.filter(({ job }) => job === 'b');
    const attempts = await store.jobRuns.attempts(b?.id ?? '');
    expect(attempts.map(({ state, reason }) => [state, reason])).toEqual([['SUCCESS', 'skipped']]);
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal', explained: [] });
  });

  it('that is true lets it run', async () => {
    await engine.push(conditional('runs'));
    const run = await engine.run('runs', undefined, { min: 5 });
    expect(endsOf(run)).toEqual({ a: 'SUCCESS', b: 'SUCCESS', below: 'SUCCESS', anyway: 'SUCCESS' });
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });

  it('that cannot be told fails its job at once', async () => {
    await engine.push({
      project: 'throws',
      jobs: { a: { kind: 'echo' }, b: { kind: 'echo', when: 'outputs.a.rows > 1' } },
    });
    const run = await engine.run('throws');
    expect([run.state, endsOf(run)]).toEqual(['FAILED', { a: 'SUCCESS', b: 'FAILED/error' }]);
    const [, b] = run.jobRuns;
    expect([b?.attempts, b?.error?.code]).toEqual([1, 'CONDITION_FAILED']);
    expect(b?.error?.message).toContain('The condition of job "b" could not be told: No such key: rows');
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });

  it('is recorded by the workflow where Postgres is away', async () => {
    await engine.push({ project: 'away', jobs: { a: { kind: 'echo', when: 'false' } } });
    isAway = true;
    const { id, handle } = await engine.start('away');
    await handle.result();
    isAway = false;
    const run = await engine.ended(id);
    expect([run.state, endsOf(run)]).toEqual(['SUCCESS', { a: 'SUCCESS/skipped' }]);
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('does not hold up a job that is run alone', async () => {
    await engine.push({ project: 'solo', jobs: { a: { kind: 'echo', when: 'false' } } });
    const { id } = await engine.startLone('solo', 'a');
    expect(await engine.endedJob(id)).toMatchObject({ state: 'SUCCESS', reason: null });
  });

  it('whose skip is recorded stays skipped when the run is resumed from below', async () => {
    await engine.push(conditional('kept'));
    const { id } = await engine.run('kept');
    const choice = { from: ['anyway'], latest: false, plan: null, actor: 'test' };
    const resumed = await store.resumes.resume(id, choice);
    const { taskQueue } = engine;
    const args = [{ project: 'kept', graphRunId: id }];
    const { workflowId } = resumed;
    const handle = await engine.client.workflow.start('graphRun', { taskQueue, workflowId, args });
    await handle.result();
    const run = await engine.ended(id);
    expect(endsOf(run)).toMatchObject({ b: 'SUCCESS/skipped', anyway: 'SUCCESS' });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('whose skip is in the history stays skipped after a reset', async () => {
    await engine.push(conditional('reset'));
    const { id, handle } = await engine.start('reset');
    await handle.result();
    await resetWorkflow(handle, (await resetPoints(handle))[2] ?? 0);
    const run = await until(async () => {
      const found = await store.graphRuns.get(id);
      return found.epoch === 2 && found.completedAt !== null ? found : undefined;
    }, 'the reset run ends');
    expect([run.state, endsOf(run)]).toEqual([
      'SUCCESS',
      { a: 'SUCCESS', b: 'SUCCESS/skipped', below: 'SUCCESS/skipped', anyway: 'SUCCESS' },
    ]);
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });
});
