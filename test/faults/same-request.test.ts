// The same request many times: whoever sends it, and whatever ends in between, it makes one run.
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { expectSound } from './support/expect-sound.ts';
import { fault } from './support/fault.ts';
import { useFaultStack } from './support/fault-stack.ts';

const stack = await useFaultStack();

const atOnce = 20;
const rounds = 5;

interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly body: string;
  readonly replayed: boolean;
}

/** As any client sends it: nothing is repeated that the test does not repeat. */
async function post(project: string, key: string, body: object): Promise<Answer> {
  const response = await fetch(`${stack.apiUrl}/v1/projects/${project}/runs`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${stack.apiKey}`,
      'idempotency-key': key,
    },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    location: response.headers.get('location'),
    body: await response.text(),
    replayed: response.headers.has('idempotency-replayed'),
  };
}

/** The one run that all these answers tell of, in the same words. */
function expectOneRun(answers: readonly Answer[]): string {
  const told = answers.map(({ status, location, body }) => JSON.stringify({ status, location, body }));
  expect(new Set(told).size).toBe(1);
  expect(answers[0]?.status).toBe(201);
  const { id } = JSON.parse(answers[0]?.body ?? '') as { id: string };
  return id;
}

async function pushTwo(project: string): Promise<void> {
  await stack.push({ project, jobs: { a: { kind: 'count' }, b: { kind: 'count', dependsOn: ['a'] } } });
}

fault(
  '5, 6',
  'twenty requests with one key at once, and again after the run and after a kill',
  async (clock) => {
    await pushTwo('storm');
    const body = { select: ['a', 'b'] };
    const first = await Promise.all(Array.from({ length: atOnce }, () => post('storm', 'storm', body)));
    clock.over();
    const id = expectOneRun(first);
    stack.runs.push(id);
    expect(first.filter(({ replayed }) => !replayed)).toHaveLength(1);
    await expectSound(stack, clock);
    const afterwards = await post('storm', 'storm', body);
    await stack.api.kill();
    await stack.api.start();
    const afterKill = await post('storm', 'storm', body);
    expectOneRun([...first, afterwards, afterKill]);
    expect([afterwards.replayed, afterKill.replayed]).toEqual([true, true]);
    for (const other of [{ select: ['a'] }, {}]) {
      const refused = await post('storm', 'storm', other);
      expect([refused.status, JSON.parse(refused.body).code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    }
    await expectSound(stack, clock);
  },
);

fault('4, 5', 'twenty requests with one key at once, into which the API is killed', async (clock) => {
  // A project each: what runs of one project do at once to one dataset is not asked here.
  const projects = Array.from({ length: rounds }, (_, round) => `killed-into-${round}`);
  for (const project of projects) {
    await pushTwo(project);
    const sending = Promise.allSettled(Array.from({ length: atOnce }, () => post(project, project, {})));
    await until(async () => ((await countRuns(project)) > 0 ? true : undefined), 'a row is there');
    await stack.api.kill();
    const sent = (await sending).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    await stack.api.start();
    stack.runs.push(expectOneRun([...sent, await post(project, project, {})]));
    expect(await countRuns(project)).toBe(1);
  }
  clock.over();
  await expectSound(stack, clock);
});

async function countRuns(project: string): Promise<number> {
  return (await stack.sql('SELECT FROM graph_run WHERE project_name = $1', [project])).length;
}
