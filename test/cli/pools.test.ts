import { expect, test } from 'vitest';
import { useCli } from './use-cli.ts';

const cli = await useCli();

test('pools are made, listed, shown, changed and removed', async () => {
  expect((await cli.run(['pools'])).stdout).toContain('no pools');
  const made = await cli.run(['pools', 'warehouse', '--slots', '3', '--description', 'connections']);
  expect([made.code, made.stdout.split('\n')[1]]).toEqual([
    0,
    expect.stringMatching(/^warehouse +3 +0 +0 +connections/),
  ]);
  const wider = await cli.run(['pools', 'warehouse', '--slots', '4', '--json']);
  expect(JSON.parse(wider.stdout)).toMatchObject({ slots: 4, description: 'connections' });
  await cli.run(['pools', 'warehouse', '--slots', '3', '--description', '']);
  await cli.run(['pools', 'api', '--slots', '1', '--json']);
  const listed = await cli.run(['pools', '--json']);
  expect(JSON.parse(listed.stdout).items).toMatchObject([
    { name: 'api', slots: 1 },
    { name: 'warehouse', slots: 3, description: '' },
  ]);
  const shown = await cli.run(['pools', 'warehouse', '--json']);
  expect(JSON.parse(shown.stdout)).toMatchObject({ slots: 3, held: 0, waiting: 0 });
  const removed = await cli.run(['pools', 'warehouse', '--remove']);
  expect([removed.code, removed.stdout, removed.stderr]).toEqual([0, '', 'removed pool warehouse\n']);
  const gone = await cli.run(['pools', 'warehouse']);
  expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('POOL_UNKNOWN')]);
});

test.each([
  [['--slots', '3'], 'need the name of a pool'],
  [['a', '--slots', 'many'], '"many" is not a number'],
  [['a', '--slots', '1', '--remove'], 'not both'],
  [['a', '--description', 'x'], 'goes with --slots'],
])('%j is wrong use', async (args, message) => {
  const { code, stderr } = await cli.run(['pools', ...args]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});
