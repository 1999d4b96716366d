// A graph that is changed, and a project that is deleted, under runs that are open.
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';
import { readEffects } from './support/find-faults.ts';
import { untilBegun } from './support/wait-for.ts';

const stack = await useFaultStack({ workers: 2 });
const { latches } = stack;

function jobsOfFirst(latch: string) {
  return {
    before: { kind: 'count' },
    held: { kind: 'count', config: { latch }, dependsOn: ['before'] },
    after: { kind: 'count', dependsOn: ['held'] },
  };
}

fault('74', 'a graph pushed anew under a run, whose worker is killed then', async (clock) => {
  const project = 'pushed-anew';
  await stack.push({ project, jobs: jobsOfFirst(project) });
  const first = await stack.start(project);
  const pid = await latches.reached(project);
  // Without one of its jobs, with another, and with one that does other things.
  const jobs = {
    before: { kind: 'count' },
    held: { kind: 'poison', dependsOn: ['before'] },
    added: { kind: 'count' },
  };
  await stack.push({ project, jobs });
  // What it has read of the first version is gone with it.
  const worker = stack.workerWith(pid);
  await worker.kill();
  clock.over();
  latches.open(project);
  const open = await stack.client.graphRuns.get(first);
  expect(open).toMatchObject({ version: 1, state: 'RUNNING' });
  await expectSound(stack, clock);
  const ended = await stack.client.graphRuns.get(first);
  expect(ended).toMatchObject({ version: 1, state: 'SUCCESS' });
  expect(ended.jobRuns.map(({ job, state }) => [job, state])).toEqual([
    ['before', 'SUCCESS'],
    ['held', 'SUCCESS'],
    ['after', 'SUCCESS'],
  ]);
  const second = await stack.start(project);
  await expectSound(stack, clock);
  const anew = await stack.client.graphRuns.get(second);
  expect(anew).toMatchObject({ version: 2, state: 'FAILED', reason: 'job_failed' });
  expect(anew.jobRuns.map(({ job }) => job).sort()).toEqual(['added', 'before', 'held']);
});

fault('72', 'a project deleted under a run is refused, and allowed after its end', async (clock) => {
  const project = 'deleted-under';
  await stack.push({ project, jobs: jobsOfFirst(project) });
  const id = await stack.start(project);
  await untilBegun(stack, id, 'held');
  const remove = () => stack.client.projects.remove(project);
  await expect(remove()).rejects.toMatchObject({ status: 409, code: 'PROJECT_HAS_OPEN_RUNS' });
  clock.over();
  latches.open(project);
  await expectSound(stack, clock);
  expect((await stack.client.graphRuns.get(id)).state).toBe('SUCCESS');

  await remove();
  await expect(stack.client.graphRuns.get(id)).rejects.toMatchObject({ status: 404 });
  const readLeft = () => readEffects(stack, project, 'after').catch(() => undefined);
  await until(async () => ((await readLeft())?.length === 0 ? true : undefined), 'its data is gone');
  // Its name is free for another, which has nothing of it.
  stack.runs.length = 0;
  await until(
    () =>
      stack.push({ project, jobs: jobsOfFirst(project) }).then(
        () => true,
        () => undefined,
      ),
    'its name is free',
  );
  await stack.start(project);
  await expectSound(stack, clock);
  expect(await readEffects(stack, project, 'after')).toHaveLength(1);
});
