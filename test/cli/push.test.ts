import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Pushed } from '../../cli/push-graph.ts';
import { newName, twoJobs } from '../api/test-api.ts';
import { useCli } from './use-cli.ts';

const { dir, run, store, write } = await useCli();
write('numbers.csv', 'n\n1\n2\n');

const yamlOf = (name: string) => `# A graph
project: ${name}
jobs:
  load:
    kind: upload
    config: { file: numbers.csv }
  count:
    kind: transform
    config:
      sql: |
        select count(*) as n
        from {{ ref('load') }}
`;

test.each([
  ['graph.ts', (name: string) => `export default ${JSON.stringify(twoJobs(name))} satisfies object;`],
  ['graph.mjs', (name: string) => `export default ${JSON.stringify(twoJobs(name))};`],
  ['graph.json', (name: string) => JSON.stringify(twoJobs(name), null, 2)],
  ['graph.yaml', yamlOf],
])('%s makes the project, its graph and its file', async (file, content) => {
  const name = newName();
  const { code, stdout, stderr } = await run(['push', write(`${name}.${file}`, content(name))]);
  expect([code, stdout]).toEqual([0, `${name}: version 1\n  added: load, count\n`]);
  expect(stderr).toBe(`project ${name} created\nnumbers.csv uploaded (6 B)\n`);
  expect((await store.graphs.current(name)).graph.jobs.map(({ key }) => key)).toEqual(['load', 'count']);
  expect(await store.files.get(name, 'numbers.csv')).toMatchObject({ bytes: 6, createdBy: 'key:editor' });
});

test('pushed again nothing changes, and the file is not sent again', async () => {
  const name = newName();
  const file = write(`${name}.yaml`, yamlOf(name));
  await run(['push', file]);
  const before = await store.files.get(name, 'numbers.csv');
  const { code, stdout, stderr } = await run(['push', file, '--json']);
  expect(code).toBe(0);
  const pushed: Pushed = JSON.parse(stdout);
  expect(pushed).toEqual({
    project: name,
    projectIsNew: false,
    version: 1,
    isNew: false,
    change: { added: [], removed: [], changed: [] },
    files: [{ name: 'numbers.csv', bytes: 6, outcome: 'unchanged' }],
    dryRun: false,
  });
  expect(stderr).toBe('numbers.csv is on the server already\n');
  expect(await store.files.get(name, 'numbers.csv')).toEqual(before);
});

test('a dry run of a new project stores nothing, not even the project', async () => {
  const name = newName();
  const { code, stdout, stderr } = await run(['push', write(`${name}.yaml`, yamlOf(name)), '--dry-run']);
  expect([code, stdout]).toEqual([0, `${name}: would become version 1\n  added: load, count\n`]);
  expect(stderr).toBe('numbers.csv would be uploaded (6 B)\n');
  await expect(store.projects.get(name)).rejects.toMatchObject({ code: 'PROJECT_UNKNOWN' });
});

test('problems are listed, each with its line, and nothing is stored', async () => {
  const name = newName();
  const text = yamlOf(name)
    .replace('kind: transform', 'kind: transfrom')
    .replace('file: numbers.csv', 'fiel: numbers.csv');
  const file = `${name}.yaml`;
  write(file, text);
  const { code, stdout, stderr } = await run(['push', file]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('(GRAPH_INVALID)');
  expect(stderr).toContain(`${file}:8:5 /jobs/count/kind  JOB_KIND_UNKNOWN  unknown kind "transfrom"`);
  expect(stderr).toMatch(
    new RegExp(`${file}:6:5 /jobs/load/config +JOB_CONFIG_INVALID +Unrecognized key: "fiel"`),
  );
  await expect(store.projects.get(name)).rejects.toMatchObject({ code: 'PROJECT_UNKNOWN' });
});

test('a graph in TypeScript has no lines to tell, but places', async () => {
  const name = newName();
  const graph = { project: name, jobs: { a: { kind: 'nope' } } };
  const { code, stderr } = await run([
    'push',
    write(`${name}.ts`, `export default ${JSON.stringify(graph)};`),
  ]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('\n  /jobs/a/kind  JOB_KIND_UNKNOWN  ')]);
});

test.each([
  ['twice.json', '{"project": "x",\n "jobs": {}, "jobs": {}}', 'twice.json:2:14  Map keys must be unique'],
  ['broken.yaml', 'project: x\njobs: {', 'broken.yaml:2:'],
  [
    'bombed.yaml',
    `a: &a [x]\n${[...'bcdefghi'].map((key, at) => `${key}: &${key} [${`*${'abcdefgh'[at]},`.repeat(9)}]`).join('\n')}`,
    'alias',
  ],
  ['none.yaml', 'jobs: {}', 'names no project'],
  ['graph.toml', '', 'expected a file that ends in'],
  ['no-default.mjs', 'export const graph = {};', 'exports no graph as its default'],
  ['throws.mjs', 'throw new Error("not today")', 'not today'],
])('%s cannot be read, and says why', async (file, content, message) => {
  write(file, content);
  const { code, stdout, stderr } = await run(['push', file]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
});

test('a file that is not there is wrong use', async () => {
  expect(await run(['push', 'nowhere.yaml'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ENOENT'),
  });
});

test('the files of jobs are looked for where --files says; what is nowhere is told', async () => {
  const name = newName();
  const file = write(`${name}.json`, JSON.stringify(twoJobs(name)));
  expect(await run(['push', file, '--files', 'elsewhere'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('elsewhere is not a folder'),
  });
  mkdirSync(join(dir, 'elsewhere'));
  const missing = await run(['push', file, '--files', 'elsewhere']);
  expect(missing.stderr).toMatch(/^warning: numbers\.csv/m);
  expect(missing).toMatchObject({ code: 0, stderr: expect.stringContaining('jobs that load it will fail') });
  await run(['push', file]);
  const kept = await run(['push', file, '--files', 'elsewhere']);
  expect(kept).toMatchObject({ code: 0, stderr: expect.stringContaining('the one on the server is kept') });
});

test('with --no-project-create a project that is not there is an error', async () => {
  const name = newName();
  const { code, stderr } = await run([
    'push',
    write(`${name}.json`, JSON.stringify(twoJobs(name))),
    '--no-project-create',
  ]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('PROJECT_UNKNOWN')]);
});

test('a problem of several lines stands in from its first one', async () => {
  const job = { ...twoJobs('p').jobs.load, when: '1 +' };
  const { code, stderr } = await run([
    'push',
    write('frame.json', JSON.stringify({ project: newName(), jobs: { a: job } })),
  ]);
  expect(code).toBe(2);
  const [first = '', ...below] = stderr.slice(stderr.indexOf('/jobs/a/when')).trimEnd().split('\n');
  expect(first).toContain('CONDITION_INVALID');
  expect(below.length).toBeGreaterThan(0);
  for (const line of below) expect(line).toMatch(/^ {6}/);
});

test('a package that is missing is told at the file of the graph', async () => {
  const file = write('missing.ts', "import { x } from 'no-such-package-of-ours';\nexport default x;");
  const { code, stderr } = await run(['push', file]);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/missing\.ts {2}Error: Cannot find package/)]);
});
