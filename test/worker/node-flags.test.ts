import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { workerNodeFlags } from '../../worker/node-flags.ts';

it('npm run worker starts a worker as the local stack does', () => {
  const packageSchema = z.object({ scripts: z.record(z.string(), z.string()) });
  const { scripts } = packageSchema.parse(JSON.parse(readFileSync('package.json', 'utf8')));
  expect(scripts.worker).toBe(`node ${workerNodeFlags.join(' ')} worker/main.ts`);
});
