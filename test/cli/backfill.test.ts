import { expect, test } from 'vitest';
import type { BackfillPreview, BackfillView, GraphRunView, Page } from '../../client/index.ts';
import type { JobEnd } from '../../graph/states.ts';
import { twoJobs } from '../api/test-api.ts';
import { carryOut, useCli } from './use-cli.ts';

const { call, makeProject, run, store } = await useCli();

async function makeSchedule(): Promise<string> {
  const project = await makeProject();
  await run(['schedule', 'create', project, 'daily', '--cron', '0 9 * * *', '--timezone', 'Asia/Kolkata']);
  return project;
}

const window = ['--from', '2026-01-01', '--to', '2026-01-04'];
const start = (project: string, ...more: string[]) =>
  run(['backfill', 'start', project, 'daily', ...window, ...more]);
const backfill = (...args: string[]) => run(['backfill', ...args]);

const done = { state: 'SUCCESS', reason: null } as const;

/** As the watch and a worker do, until it makes no more runs. */
async function carryOutAll(id: string, end: JobEnd = done): Promise<void> {
  for (;;) {
    await store.backfills.tend({ id, actor: 'watch' });
    const { items } = await store.graphRuns.list({ backfill: id, state: 'PENDING' }, { limit: 100 });
    if (items.length === 0) return;
    for (const each of items) await carryOut(store, each, { load: end, count: done });
  }
}

test('start prints the id, and show how far it has come', async () => {
  const project = await makeSchedule();
  const { code, stdout, stderr } = await start(project, '--at-once', '2', '--note', 'a fix');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36}\n$/)]);
  const id = stdout.trim();
  expect(stderr).toBe(`watch it with: graphrun backfill watch ${id}\n`);
  await store.backfills.tend({ id, actor: 'watch' });
  const shown = await backfill('show', id);
  expect(shown.stdout).toMatch(new RegExp(`^backfill +${id}\nschedule +${project}/daily\n`));
  expect(shown.stdout).toMatch(/^times +2025-12-31 18:30:00Z to 2026-01-04 18:29:59Z$/m);
  expect(shown.stdout).toMatch(/^order +oldest first, 2 at once$/m);
  expect(shown.stdout).toMatch(/^state +RUNNING$/m);
  expect(shown.stdout).toMatch(/^progress +0 of 4 done, 0 succeeded, 2 open, 2 left$/m);
  expect(shown.stdout).toMatch(/^created +\S+ \S+ by key:editor: a fix$/m);
  const runs = await run(['runs', '--backfill', id, '--json']);
  const { items }: Page<GraphRunView> = JSON.parse(runs.stdout);
  expect((await run(['runs', '--backfill', id])).stdout).toMatch(
    /^RUN .* SCHEDULED\n.* 2026-01-02 03:30:00Z\n.* 2026-01-01 03:30:00Z\n$/,
  );
  expect(items.map(({ scheduledAt }) => scheduledAt?.slice(0, 10))).toEqual(['2026-01-02', '2026-01-01']);
  expect((await run(['show', items[0]?.id ?? ''])).stdout).toMatch(
    new RegExp(`^origin +backfill ${id}\n[\\s\\S]*^time +2026-01-02 03:30:00Z of daily$`, 'm'),
  );
  const listed = await backfill('list', project, '--schedule', 'daily');
  expect(listed.stdout).toMatch(new RegExp(`^BACKFILL +SCHEDULE .*\n${id} +daily .* RUNNING +0 of 4 done`));
});

test('a dry run tells how many runs there would be, and makes none', async () => {
  const project = await makeSchedule();
  const { code, stdout } = await start(project, '--dry-run');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^would make +4 runs$/m)]);
  expect(stdout).toMatch(/^first +2026-01-01T09:00:00\+05:30 Asia\/Kolkata$/m);
  expect(stdout).toMatch(/^ran before +0\nwould make/m);
  expect(stdout).toMatch(/^would take +not known/m);
  const preview: BackfillPreview = JSON.parse((await start(project, '--dry-run', '--json')).stdout);
  expect(preview).toMatchObject({ total: 4, runs: 4 });
  expect((await backfill('list', project)).stdout).toBe('no backfills\n');
});

test('watch tells of each change until it has ended', async () => {
  const project = await makeSchedule();
  const { id }: BackfillView = JSON.parse((await start(project, '--at-once', '4', '--json')).stdout);
  const watching = backfill('watch', id);
  await carryOutAll(id);
  const { code, stdout } = await watching;
  expect([code, stdout]).toEqual([0, expect.stringMatching(/Z {2}SUCCESS {2}4 of 4 done, 4 succeeded\n$/)]);
});

test('cancel, cancel --running and resume', async () => {
  const project = await makeSchedule();
  const id = (await start(project, '--order', 'newest')).stdout.trim();
  await store.backfills.tend({ id, actor: 'watch' });
  const cancelled = await backfill('cancel', id, '--note', 'not now');
  expect(cancelled.stdout).toMatch(/^state +FAILED cancelled$/m);
  expect(cancelled.stdout).toMatch(/^stopped +\S+ \S+ by key:editor: not now$/m);
  expect(cancelled.stderr).toContain(`graphrun backfill resume ${id}`);
  expect((await backfill('show', id)).stderr).toContain(`go on with it by: graphrun backfill resume ${id}\n`);
  const both = await backfill('cancel', id, '--running', '--json');
  expect([both.code, JSON.parse(both.stdout).counts]).toMatchObject([0, { open: 1, left: 3 }]);
  const resumed = await backfill('resume', id, '--note', 'go on');
  expect(resumed.stdout).toMatch(/^state +RUNNING$/m);
  expect((await backfill('resume', id)).stderr).toContain('BACKFILL_IS_OPEN');
  await carryOutAll(id);
  expect((await backfill('watch', id)).code).toBe(0);
  const failed = await backfill('cancel', id);
  expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining('BACKFILL_HAS_ENDED')]);
});

test('runs that have failed are named, with what to do', async () => {
  const project = await makeSchedule();
  const id = (await start(project, '--at-once', '4')).stdout.trim();
  await carryOutAll(id, { state: 'FAILED', reason: 'error' });
  const { items } = await store.graphRuns.list({ backfill: id }, { limit: 100 });
  const [a, b, c] = items.map((each) => each.id);
  const told = `failed: ${a}, ${b}, ${c}, and 1 more\nlet these go on by: graphrun backfill resume ${id} --failed\n`;
  expect((await backfill('show', id)).stderr).toContain(told);
  const watched = await backfill('watch', id, '--json');
  expect([watched.code, watched.stderr]).toEqual([1, expect.stringContaining(told)]);
  expect((await backfill('resume', id)).stderr).toContain('4 have failed: --failed');

  expect((await start(project, '--dry-run')).stdout).toMatch(/^ran before +4, 4 of them FAILED \(--again /m);
  expect((await start(project, '--dry-run', '--again')).stdout).toMatch(/^ran before +4, 4 of them FAILED$/m);
  const second = (await start(project)).stdout.trim();
  await carryOutAll(second);
  const skipped = await backfill('watch', second);
  expect(skipped.stdout).toContain('4 of 4 done, 4 skipped (4 FAILED before), 0 succeeded');
  expect(skipped.stderr).toMatch(
    /4 skipped times had a run before, which is FAILED: .* start \S+ daily --from \S+ --to \S+ --again\n/,
  );
});

test('one whose end the watch has not noted yet has ended with its last run', async () => {
  const id = (await start(await makeSchedule(), '--at-once', '4')).stdout.trim();
  const runs = await store.backfills.tend({ id, actor: 'watch' });
  for (const each of runs) await carryOut(store, each, { load: done, count: done });
  const ended: BackfillView = JSON.parse((await backfill('watch', id, '--json')).stdout);
  const last = await store.graphRuns.get(runs.at(-1)?.id ?? '');
  expect([ended.state, ended.completedAt]).toEqual(['SUCCESS', last.completedAt]);
});

test('a resume says which graph its runs keep', async () => {
  const project = await makeSchedule();
  const id = (await start(project)).stdout.trim();
  await carryOutAll(id, { state: 'FAILED', reason: 'error' });
  await call('PUT', `/v1/projects/${project}/graph`, { payload: { ...twoJobs(project), maxOpenRuns: 2 } });
  const resumed = await backfill('resume', id, '--failed');
  expect(resumed.stderr).toMatch(/keep version 1 of the graph; version 2 is current\. .* --again\n/);
});

test('how many run at once is told where the graph allows fewer', async () => {
  const project = await makeSchedule();
  const told = '50 at once, not 60, by maxOpenRuns of the graph';
  expect((await start(project, '--at-once', '60', '--dry-run')).stdout).toMatch(
    new RegExp(`^at once +${told}$`, 'm'),
  );
  const started = await start(project, '--at-once', '60');
  expect(started.stderr).toContain(`it runs ${told}\n`);
  expect((await backfill('show', started.stdout.trim())).stdout).toMatch(new RegExp(`first, ${told}$`, 'm'));
});

test('what is wrong is told with what was read and an example', async () => {
  const project = await makeSchedule();
  const { code, stderr } = await run(['backfill', 'start', project, 'daily', '--from', '1.1.2026']);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /BACKFILL_INVALID[\s\S]*\/from {2}SHAPE_INVALID {2}read "1\.1\.2026", expected .* 2026-11-01T09:00/,
  );
  expect((await backfill('start', project, 'daily')).stderr).toContain("required option '--from <time>'");
  expect((await start(project, '--at-once', '1000')).stderr).toMatch(/REQUEST_INVALID[\s\S]*atOnce/);
  expect((await start(project, '--param', 'nobody=1')).stderr).toContain('PARAMS_INVALID');
});
