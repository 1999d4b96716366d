import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GraphRunDetail, GraphRunView, JobRunDetail, JobView, Page } from '../../client/index.ts';
import type { JobEnd } from '../../graph/states.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { carryOut, useCli } from './use-cli.ts';

const { call, dir, keys, makeProject, run, store, temporal, url, write } = await useCli();

const success: JobEnd = { state: 'SUCCESS', reason: null };
const broken = {
  load: { state: 'FAILED', reason: 'error' },
  count: { state: 'FAILED', reason: 'upstream_failed' },
} as const;

async function endedRun(project: string, jobs: Readonly<Record<string, JobEnd>>): Promise<string> {
  const { body } = await call<GraphRunView>('POST', `/v1/projects/${project}/runs`);
  await carryOut(store, { id: body.id, workflowId: body.workflowId, project }, jobs);
  return body.id;
}

/** The next run is carried out as soon as it is started. */
function carryOutNext(jobs: Readonly<Record<string, JobEnd>>): void {
  const { startGraphRun } = temporal;
  temporal.startGraphRun = async (started) => {
    temporal.startGraphRun = startGraphRun;
    await carryOut(store, started, jobs);
    return null;
  };
}

test('run starts a run and prints its id', async () => {
  const name = await makeProject();
  const { code, stdout, stderr } = await run(['run', name, '--select', 'load', '--select', 'count']);
  const shown = await store.graphRuns.get(stdout.trim());
  expect([code, shown.select, stderr]).toEqual([
    0,
    ['load', 'count'],
    `watch it with: graphrun watch ${shown.id}\n`,
  ]);
});

test('run with one key starts one run, and prints its id each time', async () => {
  const name = await makeProject();
  const [first, again] = [
    await run(['run', name, '--idempotency-key', 'nightly']),
    await run(['run', name, '--idempotency-key', 'nightly']),
  ];
  expect(again).toEqual(first);
  expect((await store.graphRuns.list({ project: name }, { limit: 10 })).items).toHaveLength(1);
  const other = await run(['run', name, '--select', 'load', '--idempotency-key', 'nightly']);
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('IDEMPOTENCY_KEY_REUSED')]);
});

test('a run that may or may not have been started tells the key to ask for it again', async () => {
  const away = ['run', 'p', '--url', 'http://127.0.0.1:9'];
  const { code, stderr } = await run(away);
  expect([code, stderr]).toEqual([3, expect.stringMatching(/--idempotency-key [0-9a-f-]{36}\nerror: /)]);
  const own = await run([...away, '--idempotency-key', 'mine']);
  expect(own.stderr).toContain('--idempotency-key mine\n');
  const refused = await run(['run', 'nobody']);
  expect([refused.code, refused.stderr]).toEqual([2, expect.not.stringContaining('--idempotency-key')]);
});

test('run --watch shows it to its end, and its exit code is how it ended', async () => {
  const name = await makeProject();
  carryOutNext({ load: success, count: success });
  const good = await run(['run', name, '--watch']);
  expect([good.code, good.stdout]).toEqual([
    0,
    expect.stringMatching(/count {2}SUCCESS[\s\S]*run .* {2}SUCCESS/),
  ]);

  carryOutNext(broken);
  const bad = await run(['run', name, '--watch', '--json']);
  const ended: GraphRunDetail = JSON.parse(bad.stdout);
  expect([bad.code, ended.state, ended.reason]).toEqual([1, 'FAILED', 'job_failed']);
  expect(bad.stderr).toContain('load failed (CSV_INVALID, error, 0 attempts):\n    line 3: what a mess');
});

test('watch of a run that has ended tells how; Ctrl-C during one that goes on ends only the watching', async () => {
  const name = await makeProject();
  expect((await run(['watch', await endedRun(name, broken)])).code).toBe(1);
  expect((await run(['watch', await endedRun(name, { load: success, count: success })])).code).toBe(0);

  const { body } = await call<GraphRunView>('POST', `/v1/projects/${name}/runs`);
  const interrupt = new AbortController();
  const { get } = store.graphRuns;
  store.graphRuns.get = async (id) => {
    const shown = await get(id);
    setImmediate(() => interrupt.abort());
    return shown;
  };
  const stopped = await run(['watch', body.id], undefined, interrupt.signal);
  store.graphRuns.get = get;
  expect([stopped.code, stopped.stderr]).toEqual([130, expect.stringContaining(`graphrun watch ${body.id}`)]);
  expect((await store.graphRuns.get(body.id)).state).toBe('PENDING');
});

test('parameters are JSON where they can be read so, else text', async () => {
  const name = await makeProject();
  const { create } = store.graphRuns;
  let params: unknown;
  store.graphRuns.create = (input, once) => {
    params = input.params;
    return create({ ...input, params: {} }, once);
  };
  const flags = ['year=2001', 'zip=01234', 'name=a=b', 'all=true', 'list=[1]'].flatMap((param) => [
    '--param',
    param,
  ]);
  expect((await run(['run', name, ...flags])).code).toBe(0);
  store.graphRuns.create = create;
  expect(params).toEqual({ year: 2001, zip: '01234', name: 'a=b', all: true, list: [1] });
  expect((await run(['run', name, '--param', 'year'])).code).toBe(2);
  expect((await run(['run', name, '--param', 'a=1', '--param', 'a=2'])).code).toBe(2);
});

test('runs lists them, newest first, of a project, in a state', async () => {
  const name = await makeProject();
  const failed = await endedRun(name, broken);
  const good = await endedRun(name, { load: success, count: success });
  const all = await run(['runs', '--project', name]);
  expect(all.stdout).toMatch(/^RUN +PROJECT +STATE +REASON +ENDED +JOBS +CREATED +TIME +BY\n/);
  expect(
    all.stdout
      .split('\n')
      .slice(1, 3)
      .map((line) => line.split(/ +/).slice(0, 3)),
  ).toEqual([
    [good, name, 'SUCCESS'],
    [failed, name, 'FAILED'],
  ]);
  const page: Page<GraphRunView> = JSON.parse(
    (await run(['runs', '--project', name, '--state', 'FAILED', '--json'])).stdout,
  );
  expect(page.items.map(({ id }) => id)).toEqual([failed]);
  const first: Page<GraphRunView> = JSON.parse(
    (await run(['runs', '--project', name, '--limit', '1', '--json'])).stdout,
  );
  expect([first.items.map(({ id }) => id), first.nextCursor]).toEqual([[good], expect.any(String)]);
  expect((await run(['runs', '--project', await makeProject()])).stdout).toBe('no runs\n');
  expect(await run(['runs', '--project', 'nobody'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('PROJECT_UNKNOWN'),
  });
});

test('show tells a run with its jobs and errors, and a job run with its own', async () => {
  const name = await makeProject();
  const id = await endedRun(name, broken);
  const shown = await run(['show', id]);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/^version {3}1\n/);
  expect(shown.stdout).toMatch(/^JOB .* JOB RUN$/m);
  expect(shown.stdout).toContain(jobRunIdOf(id, 'load'));
  expect(shown.stdout).toContain('load failed (CSV_INVALID, error, 0 attempts):\n    line 3: what a mess');
  expect((JSON.parse((await run(['show', id, '--json'])).stdout) as GraphRunDetail).jobRuns).toHaveLength(2);

  const job = await run(['show', jobRunIdOf(id, 'load')]);
  expect(job.stdout).toMatch(/^job +load \(upload\) of .*\nstate +FAILED error\n/);
  expect(job.stdout).toContain('line 3: what a mess');
  const detail: JobRunDetail = JSON.parse((await run(['show', jobRunIdOf(id, 'load'), '--json'])).stdout);
  expect(detail).toMatchObject({ job: 'load', state: 'FAILED', attemptList: [] });

  const unknown = await run(['show', '0198c5a2-0000-7000-8000-000000000000']);
  expect([unknown.code, unknown.stderr]).toEqual([
    2,
    expect.stringContaining('neither a graph run nor a job run'),
  ]);
});

test('jobs lists the jobs of a project, or shows one with its runs', async () => {
  const name = await makeProject();
  const id = await endedRun(name, broken);
  const all = await run(['jobs', name]);
  expect(all.stdout.replaceAll(/ {2,}/g, '|')).toMatch(
    /^JOB\|KIND\|STATE\|REASON\|LAST RUN\|DEPENDS ON\nload\|upload\|FAILED\|error\|.*Z\ncount\|transform\|FAILED\|upstream_failed\|.*Z\|load\n$/,
  );
  const one = await run(['jobs', name, 'load']);
  expect(one.stdout).toContain(jobRunIdOf(id, 'load'));
  const { items }: { items: JobView[] } = JSON.parse((await run(['jobs', name, '--json'])).stdout);
  expect(items.map(({ key }) => key)).toEqual(['load', 'count']);
  expect((await run(['jobs', name, 'lod'])).code).toBe(2);
});

test.each([
  [['frobnicate'], "unknown command 'frobnicate'"],
  [[], 'Usage: graphrun'],
  [['run'], "missing required argument 'project'"],
  [['runs', '--state', 'CANCELLED'], 'Allowed choices are'],
  [['runs', '--limit', '0'], 'is not a number from 1 on'],
  [['runs', '--limit', '501'], '/query/limit'],
  [['runs', '--colour'], "unknown option '--colour'"],
  [['runs', '--url', 'localhost'], 'is not a URL'],
])('%j is wrong use', async (args, message) => {
  const { code, stdout, stderr } = await run(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
});

test.each([[['--help']], [['push', '--help']], [['--version']]])('%j is answered on stdout', async (args) => {
  expect(await run(args)).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/\S/) });
});

test('a server that cannot be reached is exit code 3', async () => {
  const none = await run(['runs'], {});
  expect(none.code).toBe(3);
  for (const home of [dir, join(dir, 'package')])
    expect(none.stderr).toContain(join(home, '.graphrun', 'stack.json'));
  const { code, stderr } = await run(['runs', '--url', 'http://127.0.0.1:9']);
  expect([code, stderr]).toEqual([3, expect.stringContaining('http://127.0.0.1:9 cannot be reached: ')]);
});

test('a key that is not known is refused', async () => {
  const { code, stderr } = await run(['runs', '--api-key', 'wrong']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('UNAUTHENTICATED')]);
});

test('the local stack is found by its file, and its key is given to no other server', async () => {
  mkdirSync(join(dir, '.graphrun'));
  mkdirSync(join(dir, 'home'));
  write('.graphrun/stack.json', JSON.stringify({ apiUrl: url, apiKey: keys.viewer }));
  expect((await run(['runs'], {})).code).toBe(0);
  expect((await run(['runs', '--url', url], {})).code).toBe(0);
  const elsewhereHome = await run(['runs'], { GRAPHRUN_HOME: 'home' });
  expect([elsewhereHome.code, elsewhereHome.stderr]).toEqual([3, expect.stringContaining('home/stack.json')]);
  const elsewhere = await run(['runs', '--url', url.replace('127.0.0.1', 'localhost')], {});
  expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining('Send an API key')]);
});

test('the stack of the package is found from any folder; one that was killed is told', async () => {
  const ended = spawnSync(process.execPath, ['--version']).pid;
  rmSync(join(dir, '.graphrun'), { recursive: true, force: true });
  mkdirSync(join(dir, 'package', '.graphrun'), { recursive: true });
  write('package/.graphrun/stack.json', JSON.stringify({ apiUrl: url, apiKey: keys.viewer }));
  expect((await run(['runs'], {})).code).toBe(0);
  const apiUrl = 'http://127.0.0.1:9';
  write('package/.graphrun/stack.json', JSON.stringify({ apiUrl, apiKey: 'x', pid: ended }));
  const { code, stderr } = await run(['runs'], {});
  expect([code, stderr]).toEqual([3, expect.stringMatching(/cannot be reached: .*npm start$/m)]);
});
