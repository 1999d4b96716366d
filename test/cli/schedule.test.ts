import { expect, test } from 'vitest';
import type { ScheduleView } from '../../client/index.ts';
import { useCli } from './use-cli.ts';

const { makeProject, run, store, temporal, write } = await useCli();

test('create makes a schedule, and shows how it stands', async () => {
  const project = await makeProject();
  const flags = ['--cron', '0 9 * * mon-fri', '--timezone', 'Asia/Kolkata', '--note', 'as agreed'];
  const { code, stdout } = await run(['schedule', 'create', project, 'daily', ...flags]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^schedule +p-\w+\/daily$/m)]);
  expect(stdout).toMatch(/^times +0 9 \* \* mon-fri$/m);
  expect(stdout).toMatch(/^state +on: as agreed$/m);
  expect(stdout).toMatch(/^overlap +skip\ncatch-up +latest of 1h$/m);
  expect(stdout).toMatch(/^next +\d{4}-\d\d-\d\d 03:30:00Z$/m);
  expect(temporal.schedules.at(-1)).toMatchObject({ project, name: 'daily' });
  const listed = await run(['schedule', 'list', project]);
  expect(listed.stdout).toMatch(/^SCHEDULE +TIMES .*\ndaily +0 9 \* \* mon-fri +Asia\/Kolkata +\d{4}-/);
});

test('create takes a file, and flags in the place of its parts', async () => {
  const project = await makeProject();
  write('nightly.yaml', 'cron: ["@daily"]\njitter: 30s\nparams: {}\n');
  const flags = [
    '--file',
    'nightly.yaml',
    '--every',
    '6h',
    '--offset',
    '1h',
    '--select',
    'load',
    '--paused',
    '--json',
  ];
  const { code, stdout } = await run(['schedule', 'create', project, 'nightly', ...flags]);
  const made: ScheduleView = JSON.parse(stdout);
  expect([code, made]).toMatchObject([
    0,
    {
      paused: true,
      definition: {
        cron: ['@daily'],
        interval: { every: '6h', offset: '1h' },
        jitter: '30s',
        select: ['load'],
      },
    },
  ]);
});

test('what is wrong is told, each at its place', async () => {
  const { code, stderr } = await run([
    'schedule',
    'create',
    await makeProject(),
    'x',
    '--cron',
    '0 9 13 * 5',
  ]);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /SCHEDULE_INVALID[\s\S]*\/cron {2}CRON_INVALID {2}day of month "13" and day of week "5"/,
  );
  const project = await makeProject();
  const zone = await run(['schedule', 'create', project, 'x', '--cron', '@daily', '--timezone', '+02:00']);
  expect([zone.code, zone.stderr]).toEqual([
    2,
    expect.stringContaining('/timezone  SHAPE_INVALID  read "+02:00", expected a time zone of the IANA'),
  ]);
});

test('change, pause, unpause, preview and delete', async () => {
  const project = await makeProject();
  const schedule = (action: string, ...more: string[]) => run(['schedule', action, project, 'a', ...more]);
  await schedule('create', '--cron', '30 2 * * *', '--timezone', 'Europe/Berlin');
  expect((await schedule('change', '--overlap', 'buffer_one', '--cron', '@daily')).stdout).toMatch(
    /^times +@daily$/m,
  );
  expect((await schedule('change')).code).toBe(2);
  expect((await schedule('pause', '--note', 'not now')).stdout).toMatch(/^state +paused: not now$/m);
  expect((await schedule('skip')).stderr).toContain('is paused: it has no next time until it is unpaused.');
  expect((await schedule('unpause')).stdout).toMatch(/^state +on$/m);
  expect((await schedule('preview', '--count', '2')).stdout).toMatch(
    /^Europe\/Berlin +UTC\n(\S+T00:00:00\+0[12]:00 {2}\S+ 2[23]:00:00Z\n){2}$/,
  );
  expect((await schedule('show')).stdout).toMatch(/^in Temporal +as plain$/m);
  expect((await schedule('skip', '--note', 'a holiday')).stdout).toMatch(/^skipped +\d{4}-/m);
  expect((await schedule('trigger')).stdout).toMatch(/^[0-9a-f-]{36}\n$/);
  expect((await schedule('delete')).stderr).toBe(`deleted ${project}/a; its runs stay\n`);
  expect((await schedule('show')).code).toBe(2);
});

test('a new one that is over already is refused', async () => {
  const project = await makeProject();
  write('over.yaml', 'cron: "@daily"\nendAt: "2020-01-01T00:00:00Z"\n');
  const { code, stderr } = await run(['schedule', 'create', project, 'over', '--file', 'over.yaml']);
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('/endAt  SHAPE_INVALID  read 2020-01-01T00:00:00.000Z, which has passed'),
  ]);
});

test('show tells all that was said', async () => {
  const project = await makeProject();
  write(
    'all.yaml',
    [
      'cron: "0 9 * * *"',
      'exclude: { dates: ["2030-12-25"] }',
      'dst: { gap: skip }',
      'jitter: 30s',
      'startAt: "2026-01-01T00:00:00Z"',
      'endAt: "2099-01-01T00:00:00Z"',
      'limit: 5',
      'select: [load]',
      'overlap: buffer_all',
      'catchUp: { missed: all, window: 2h }',
      'pauseOnFailure: true',
    ].join('\n'),
  );
  const { stdout } = await run(['schedule', 'create', project, 'all', '--file', 'all.yaml']);
  expect(stdout).toMatch(
    /^without +{"dates":\["2030-12-25"\]}\nclock change +{"gap":"skip"}\njitter +30s\nfrom +2026-01-01T00:00:00Z\nuntil +2099-01-01T00:00:00Z\nlimit +5 runs in all$/m,
  );
  expect(stdout).toMatch(
    /^select +load\noverlap +buffer_all\ncatch-up +all of 2h\non failure +it is paused$/m,
  );
});

test('times given by a flag of change take the place of all others', async () => {
  const project = await makeProject();
  const schedule = (action: string, ...more: string[]) => run(['schedule', action, project, 'a', ...more]);
  await schedule('create', '--every', '15m', '--overlap', 'allow_all');
  const changed = await schedule('change', '--cron', '@daily');
  expect(changed.stdout).toMatch(/^times +@daily$/m);
  expect(changed.stdout).toMatch(/^overlap +allow_all$/m);
  expect((await schedule('change', '--every', '6h')).stdout).toMatch(/^times +every 6h$/m);
});

test('one whose times only Temporal reads says so', async () => {
  const project = await makeProject();
  const written = {
    ...{
      temporalId: `${project}/outside`,
      project,
      definition: { timezone: 'UTC' },
      spec: { interval: [{}] },
    },
    ...{ seen: 'x', paused: false, note: '', updatedAt: new Date() },
  };
  expect(await store.schedules.madeOutside(written)).toBe(true);
  const { items } = await store.schedules.list(project, { limit: 10 });
  const name = items[0]?.name ?? '';
  expect((await run(['schedule', 'list', project])).stdout).toMatch(
    / +read by Temporal +UTC +see preview +on$/m,
  );
  expect((await run(['schedule', 'show', project, name])).stdout).toMatch(/^times +read by Temporal$/m);
  expect((await run(['schedule', 'skip', project, name])).stderr).toContain('only Temporal reads its times');
});

test('simulate tells what a schedule would do', async () => {
  const project = await makeProject();
  const simulate = (...more: string[]) => run(['schedule', 'simulate', project, 'a', ...more]);
  await run(['schedule', 'create', project, 'a', '--cron', '30 2 * * *', '--timezone', 'Europe/Berlin']);
  const { stdout } = await simulate();
  expect(stdout).toMatch(/^times +(399|400|401); 1 on \d{4}-\d\d-\d\d, the busiest day$/m);
  expect(stdout).toMatch(/^shifted +\d{4}-03-\d\dT02:30 does not exist; fires \d{4}-03-\d\d 01:30:00Z$/m);
  expect(stdout).toMatch(/^once +\d{4}-10-\d\dT02:30 comes twice; fires \d{4}-10-\d\d 00:30:00Z$/m);
  expect(stdout).toMatch(/^overlaps +nothing tells how long/m);
  expect(JSON.parse((await simulate('--days', '7', '--json')).stdout)).toMatchObject({ times: 7, runs: 7 });
  expect((await simulate('--days', '801')).code).toBe(2);
});

test('a schedule that Temporal has not got yet says so', async () => {
  const project = await makeProject();
  temporal.isAway = true;
  await run(['schedule', 'create', project, 'a', '--cron', '@daily']);
  temporal.isAway = false;
  const { stdout } = await run(['schedule', 'show', project, 'a']);
  expect(stdout).toMatch(/^in Temporal +not yet: Temporal is away\.$/m);
  const listed = await run(['schedule', 'list', project]);
  expect(listed.stdout).toMatch(/^a +@daily .* on \(not in Temporal: Temporal is away\.\)$/m);
});

test('the help of a command of the group is its own', async () => {
  const { code, stdout } = await run(['schedule', 'create', '--help']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('--cron <expression>')]);
  expect((await run(['schedule', 'nonsense'])).code).toBe(2);
});
