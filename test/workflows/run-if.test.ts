// Diamonds: for each rule, below parents that ended in each way, as Temporal carries them out.
import { expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import { runIfRules } from '../../graph/rules.ts';
import { useEngine } from '../support/engine.ts';
import { expectProved } from '../support/expect-proved.ts';
import { createTestKinds } from '../support/kinds.ts';
import { once } from '../support/resumes.ts';

const { kinds, broken, begun } = createTestKinds();
const engine = await useEngine(kinds);

type Parent = 'ok' | 'allowed' | 'skipped' | 'failed';
const parents: readonly Parent[] = ['ok', 'allowed', 'skipped', 'failed'];
const pairs = parents.flatMap((left, at) => parents.slice(at).map((right) => [left, right] as const));

/** By the rules as the docs tell them. */
function expectedEnd(rule: (typeof runIfRules)[number], pair: readonly Parent[]): string {
  const failed = pair.includes('failed');
  const succeeded = pair.includes('ok') || pair.includes('allowed');
  const isMet = {
    all_succeeded: !failed && succeeded,
    none_failed: !failed,
    any_succeeded: succeeded,
    any_failed: failed,
    all_done: true,
  }[rule];
  if (isMet) return 'SUCCESS';
  return failed ? 'FAILED upstream_failed' : 'SUCCESS skipped';
}

it('ends the bottom of a diamond by its rule, whatever became of its sides', async () => {
  const sides: GraphDefinition['jobs'] = {};
  const bottoms: GraphDefinition['jobs'] = {};
  const expected: Record<string, string> = {};
  for (const side of ['left', 'right']) {
    sides[`${side}_ok`] = { kind: 'breakable', dependsOn: ['top'] };
    sides[`${side}_allowed`] = { kind: 'breakable', dependsOn: ['top'], retry: once, allowFailure: true };
    sides[`${side}_skipped`] = { kind: 'breakable', dependsOn: ['top'], when: 'false' };
    sides[`${side}_failed`] = { kind: 'breakable', dependsOn: ['top'], retry: once };
    for (const how of ['allowed', 'failed']) broken.add(`${side}_${how}`);
  }
  for (const runIf of runIfRules) {
    for (const [left, right] of pairs) {
      const key = `${runIf}_${left}_${right}`;
      bottoms[key] = { kind: 'breakable', dependsOn: [`left_${left}`, `right_${right}`], runIf };
      expected[key] = expectedEnd(runIf, [left, right]);
    }
  }
  await engine.push({ project: 'diamonds', jobs: { top: { kind: 'breakable' }, ...sides, ...bottoms } });
  const run = await engine.run('diamonds');
  expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed' });
  const ends = run.jobRuns.flatMap(({ job, state, reason }) =>
    job in bottoms ? [[job, [state, reason].filter(Boolean).join(' ')] as const] : [],
  );
  expect(Object.fromEntries(ends)).toEqual(expected);
  const ran = Object.keys(bottoms).filter((job) => begun.includes(`${job}#1`));
  expect(ran.sort()).toEqual(
    Object.keys(expected)
      .filter((job) => expected[job] === 'SUCCESS')
      .sort(),
  );
  await expectProved(engine, run.id);
});
