import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkout } from '../../dev/home.ts';

test('a set-up of a checkout where all is there says nothing and changes nothing', () => {
  const run = () => spawnSync(process.execPath, [join(checkout, 'setup.mjs')], { encoding: 'utf8' });
  // The schema may have been edited since this checkout was set up.
  run();
  const begun = performance.now();
  const setup = run();
  expect({ status: setup.status, said: setup.stdout + setup.stderr }).toEqual({ status: 0, said: '' });
  expect(performance.now() - begun).toBeLessThan(5_000);
});
