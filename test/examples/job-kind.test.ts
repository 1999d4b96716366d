// The job kind that the guide shows how to add, run as it stands there.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineJobKind } from '../../jobs/define-job-kind.ts';
import { useEngine } from '../support/engine.ts';
import { query } from '../warehouse/sql.ts';

const root = new URL('../../', import.meta.url);
const guide = readFileSync(new URL('docs/guide.md', root), 'utf8');

let given: readonly string[] = [];
const members = defineJobKind({
  kind: 'members',
  config: z.strictObject({}),
  output: z.null(),
  writesWarehouse: false,
  inputs: () => [],
  outputs: () => [],
  run: async (ctx) => {
    given = Object.keys(ctx);
    return null;
  },
});

vi.mock(import('../../jobs/own-kinds.ts'), async () => {
  const { rates } = await import('../../examples/job-kind/rates.ts');
  return { ownKinds: [rates] };
});
const engine = await useEngine([members]);

/** What the service answers next. */
const answers: { readonly status: number; readonly body?: unknown; readonly retryAfter?: string }[] = [];
const server = createServer((_request, response) => {
  const { status, body, retryAfter } = answers.shift() ?? { status: 404 };
  response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
  response.end(JSON.stringify(body ?? null));
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rates`;
});
afterAll(() => {
  server.close();
});

async function runRates(project: string, ...next: typeof answers) {
  answers.splice(0, answers.length, ...next);
  const retry = { maximumAttempts: 3, initialInterval: '10ms' } as const;
  await engine.push({ project, jobs: { rates: { kind: 'rates', config: { url }, retry } } });
  const { jobRuns } = await engine.run(project);
  const [run] = jobRuns;
  if (!run) throw new Error('no job run');
  return { run, attempts: await engine.store.jobRuns.attempts(run.id) };
}

const some = { status: 200, body: [{ day: '2026-01-31', rate: 1.25 }] };

it('is what the guide shows', () => {
  const [, shown] = /`jobs\/rates\.ts`:\n\n```ts\n(.*?)^```/ms.exec(guide) ?? [];
  expect(shown).toBe(readFileSync(new URL('examples/job-kind/rates.ts', root), 'utf8'));
});

it('fills its dataset, and is tried again after an error', async () => {
  const { run } = await runRates('rates-good', { status: 500 }, some);
  expect([run.state, run.attempts]).toEqual(['SUCCESS', 2]);
  expect(await query(engine.warehouseUrl, 'select day::text, rate::float8 from rates_good.rates')).toEqual([
    ['2026-01-31', 1.25],
  ]);
});

it('waits as long as it was asked to', async () => {
  const { run, attempts } = await runRates('rates-busy', { status: 429, retryAfter: '1' }, some);
  expect([run.state, attempts.map(({ error }) => error?.type)]).toEqual([
    'SUCCESS',
    ['RetryLater', undefined],
  ]);
  expect(attempts[0]?.error?.retryAt).toEqual(expect.any(String));
});

it('fails for good where the user must mend something', async () => {
  const { run } = await runRates('rates-wrong', { status: 404 }, some);
  expect([run.state, run.attempts, run.error?.code]).toEqual(['FAILED', 1, 'JOB_CONFIG_INVALID']);
});

it('is given what the guide lists', async () => {
  await engine.push({ project: 'members', jobs: { a: { kind: 'members' } } });
  expect((await engine.run('members')).state).toBe('SUCCESS');
  const section = guide.slice(guide.indexOf('## A job kind of your own'));
  const rows = [...section.matchAll(/^\| (`ctx\..*?) \|/gm)].flatMap(([, names = '']) => [
    ...names.matchAll(/`ctx\.(\w+)/g),
  ]);
  expect(rows.map(([, name]) => name).toSorted()).toEqual([...given].toSorted());
});
