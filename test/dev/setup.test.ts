import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkout } from '../../dev/home.ts';

test('a set-up of a checkout where all is there says nothing and changes nothing', () => {
  const begun = performance.now();
  const setup = spawnSync(process.execPath, [join(checkout, 'setup.mjs')], { encoding: 'utf8' });
  expect({ status: setup.status, said: setup.stdout + setup.stderr }).toEqual({ status: 0, said: '' });
  expect(performance.now() - begun).toBeLessThan(5_000);
});
