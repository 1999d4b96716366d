// Every command that README and guide tell people to type is typed here, against a running stack.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { createClient, type GraphRunDetail } from '../../client/index.ts';
import { withClient } from '../../dev/databases.ts';
import { useStack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const { info } = await useStack();
const client = createClient({ url: info.apiUrl, apiKey: info.apiKey });
const root = new URL('../../', import.meta.url).pathname;
const run = promisify(execFile);

/** Started and stopped by other tests, and by whoever reads this. */
const runElsewhere = ['npm start', 'npm test'];

/** What each command must print: the first that matches its beginning counts. */
const expected: readonly (readonly [RegExp, RegExp])[] = [
  [
    /^npm run -s graphrun -- push /,
    /^flights: (version 1\n {2}added: airports, routes|unchanged, version 1)/,
  ],
  [/^npm run -s graphrun -- run flights --watch/, /summary {2}SUCCESS[\s\S]* run \S+ {2}SUCCESS/],
  [/^npm run -s graphrun -- runs /, /^RUN +PROJECT[\s\S]*\n\S+ +flights +SUCCESS/],
  [/^npm run -s graphrun -- jobs /, /^JOB +KIND[\s\S]*\nairports +upload +SUCCESS/],
  [/^graphrun push graph\.yaml/, /^shop: version 1\n {2}added: orders, per_day/],
  [/^graphrun push sales\.yaml/, /^sales: version 1\n {2}added: orders, per_item/],
  [/^graphrun run sales --param /, /per_item {2}SUCCESS[\s\S]* run \S+ {2}SUCCESS/],
  [/^graphrun run shop --idempotency-key /, /^[0-9a-f-]{36}\n$/],
  [/^graphrun run shop /, /per_day {2}SUCCESS[\s\S]* run \S+ {2}SUCCESS/],
  [/^graphrun run-job shop per_day --watch/, /per_day {2}SUCCESS/],
  [/^graphrun runs --project shop/, /^RUN +PROJECT[\s\S]*\n\S+ +shop +SUCCESS/],
  [/^graphrun show RUN/, /^version +1\n[\s\S]*^JOB +STATE .* JOB RUN$/m],
  [/^graphrun show JOB_RUN/, /^job +orders \(upload\) of shop\nstate +SUCCESS/],
  [/^graphrun pause RUN/, /^(PENDING|RUNNING), paused .* by .*: the source is down\n$/],
  [/^graphrun unpause RUN/, /^(PENDING|RUNNING), not paused\n$/],
  [/^graphrun cancel RUN/, /^(PENDING|RUNNING), cancelled .* by .*: the wrong file\n$/],
  [/^export GRAPHRUN_API_KEY=/, /^[\w-]{20,}\n$/],
  [/^curl --request POST /, /^\{"id":".*"project":"shop",.*"state":"PENDING"/],
  [/^curl /, /^\{"items":\[\{.*"project":"shop"/],
  [/^alias temporal=/, /^alias temporal='\/.*'\n$/],
  [/^temporal workflow start /, /Running execution:[\s\S]*WorkflowId +\S+/],
  [/^temporal workflow signal /, /^Signal workflow succeeded\n$/],
  [
    /^graphrun schedule (create|change|pause|unpause|show) /,
    /^schedule +shop\/(nightly|daily)\n[\s\S]*in Temporal +(as (utc|plain)|not yet)$/m,
  ],
  [/^graphrun schedule preview /, /^Europe\/Berlin +UTC\n(\S+T0[23]:30:00\S+ .*\n){3}$/],
  [/^graphrun schedule simulate /, /^times +\d+; 1 on [\s\S]*^overlaps +\d/m],
  [/^graphrun schedule list /, /^SCHEDULE +TIMES .*\nnightly +30 2 /],
  [/^graphrun schedule delete /, /^$/],
  [/^graphrun backfill start .* --dry-run/, /^times +3 from .*\n[\s\S]*^would make +3 runs$/m],
  [/^graphrun backfill start .* --watch/, /SUCCESS {2}3 of 3 done, 3 succeeded\n$/],
  [/^graphrun backfill list /, /^BACKFILL +SCHEDULE .*\n\S+ +daily .* SUCCESS +3 of 3 done/],
  [/^graphrun backfill show /, /^backfill +\S+\nschedule +shop\/daily\n/],
  [/^graphrun runs --backfill /, /^RUN +PROJECT .*\n(\S+ +shop +SUCCESS .*\n){3}$/],
  [/^graphrun backfill cancel /, /^state +FAILED cancelled\n[\s\S]*^stopped .*: the wrong file$/m],
  [/^graphrun backfill resume /, /^state +RUNNING$/m],
  [/^graphrun pools /, /^POOL +SLOTS .*\ncrm +3 +0 +0 +connections to the CRM\n$/],
  [/^graphrun pools/, /^POOL +SLOTS .*\ncrm +3 /],
  [/^graphrun plan RUN --from per_day/, /1 to run again, 1 kept/],
  [/^graphrun resume RUN --from per_day --watch/, /per_day {2}SUCCESS[\s\S]* run \S+ {2}SUCCESS/],
  [/^graphrun explain RUN/, /^shop · run \S+ · SUCCESS\nIt has ended; "graphrun show \S+" tells how\.\n$/],
  [/^graphrun verify RUN/, /^equal to Temporal's history of \d+ events/],
  [/^graphrun verify --all/, /^\d+ runs: \d+ equal.*, 0 different, \d+ unprovable\n$/],
];

function commandsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.split('\n'))
    .filter((line) => line !== '' && !runElsewhere.includes(line));
}

async function type(command: string, folder: string): Promise<string> {
  const graphrun = `${process.execPath} ${join(root, 'cli/graphrun.ts')}`;
  const latest = await latestRun();
  const isOfOpen = /^(graphrun (cancel|pause|unpause)|temporal workflow signal) /.test(command);
  const runId = isOfOpen ? await startLongRun() : latest?.id;
  const backfillId = command.includes('BACKFILL') ? await backfillOf(command) : '';
  const line = command
    .replace(/^npm run -s graphrun --/, graphrun)
    .replace(/^graphrun\b/, graphrun)
    .replace(/^temporal\b/, `${info.temporalCli} --address ${info.temporalAddress}`)
    .replace(/^export (\w+)=.*/, '$&; echo $$$1')
    .replace(/^alias (\w+)=.*/, '$&; alias $1')
    .replace(/\bBACKFILL\b/, () => backfillId)
    .replace(/\bJOB_RUN\b/, latest?.jobRuns[0]?.id ?? '')
    .replace(/\bRUN\b/, runId ?? '')
    .replace(/\bWORKFLOW\b/, `graph-run/${runId}/1`)
    .replace('http://127.0.0.1:4400', info.apiUrl);
  const env = { ...process.env, GRAPHRUN_API_URL: info.apiUrl, GRAPHRUN_API_KEY: info.apiKey };
  const { stdout } = await run('bash', ['-euc', line], { cwd: folder, env });
  return stdout;
}

const longProject = 'long';

let longRun = '';

/** The one that has not ended when it is cancelled. */
async function startLongRun(): Promise<string> {
  if (longRun !== '') return longRun;
  const sql = 'select 1 as one, pg_sleep(60)::text as slept';
  await client.projects.create({ name: longProject });
  await client.graphs.push(longProject, {
    project: longProject,
    jobs: { sleep: { kind: 'transform', config: { sql } } },
  });
  longRun = (await client.graphRuns.start(longProject)).id;
  return longRun;
}

const backfilled = 'backfilled';
let longBackfill = '';

/** The latest of the shop; one that has not ended where it is cancelled, and then resumed. */
async function backfillOf(command: string): Promise<string> {
  if (!/^graphrun backfill (cancel|resume) /.test(command)) {
    const { items } = await client.backfills.list('shop', { limit: 1 });
    return items[0]?.id ?? '';
  }
  if (longBackfill !== '') return longBackfill;
  const sql = 'select 1 as one, pg_sleep(5)::text as slept';
  await client.projects.create({ name: backfilled });
  await client.graphs.push(backfilled, {
    project: backfilled,
    jobs: { sleep: { kind: 'transform', config: { sql } } },
  });
  await client.schedules.create(backfilled, { name: 'daily', cron: '@daily', paused: true });
  const { id } = await client.backfills.start(backfilled, 'daily', { from: '2026-01-01', to: '2026-01-31' });
  longBackfill = id;
  await until(
    async () => ((await client.backfills.get(id)).counts.open > 0 ? true : undefined),
    'it goes on',
  );
  return id;
}

/** Ended, since it may be one that was only just started. */
async function latestRun(): Promise<GraphRunDetail | undefined> {
  const { items } = await client.graphRuns.list({ limit: 50 });
  const item = items.find(({ project }) => project !== longProject && project !== backfilled);
  if (!item) return undefined;
  return until(async () => {
    const found = await client.graphRuns.get(item.id);
    return found.completedAt === null ? undefined : found;
  }, 'the latest run ends');
}

async function expectOutput(command: string, folder: string): Promise<void> {
  const [, output] = expected.find(([pattern]) => pattern.test(command)) ?? [];
  if (output === undefined) throw new Error(`say in "expected" what this prints: ${command}`);
  expect(await type(command, folder)).toMatch(output);
}

describe('the commands of the README', () => {
  it.each(commandsOf('README.md'))('%s', (command) => expectOutput(command, root));
});

describe('the commands of the guide', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graphrun-guide-'));
  const guide = readFileSync(join(root, 'docs/guide.md'), 'utf8');
  for (const [, name = '', content = ''] of guide.matchAll(
    /`(\S+\.(?:yaml|csv))`:\n\n```\w+\n(.*?)^```/gms,
  )) {
    writeFileSync(join(folder, name), content);
  }
  mkdirSync(join(folder, '.graphrun'));
  writeFileSync(join(folder, '.graphrun', 'stack.json'), JSON.stringify(info));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(commandsOf('docs/guide.md'))('%s', (command) => expectOutput(command, folder));

  it('ran the graph that it shows', async () => {
    const { items } = await client.graphRuns.list({ project: 'shop' });
    expect(items.length).toBeGreaterThanOrEqual(2);
    expect(items.filter((item) => item.state === 'FAILED')).toEqual([]);
    const table = 'select day::text, orders::int from shop.per_day order by day';
    const { rows } = await withClient(info.warehouseUrl, (connected) => connected.query(table));
    expect(rows).toEqual([
      { day: '2026-01-01', orders: 2 },
      { day: '2026-01-02', orders: 1 },
    ]);
    const sold = await withClient(info.warehouseUrl, (connected) =>
      connected.query('select item, orders::int from sales.per_item'),
    );
    expect(sold.rows).toEqual([{ item: 'pen', orders: 1 }]);
  });
});
