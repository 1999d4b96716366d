import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { killServices } from '../../dev/service.ts';
import { type Stack, type StackOptions, startStack } from '../../dev/stack.ts';

/**
 * Starts a whole local stack (Postgres, Temporal, worker, API) for a test file, in a folder and on ports of its own, and
 * ends it after the last test. `stack.info` holds its URLs, its API key and the pids of its processes.
 */
export async function useStack(options: Partial<StackOptions> = {}): Promise<Stack> {
  const parent = mkdtempSync(join(tmpdir(), 'graphrun-stack-'));
  // The user of Postgres has to pass through.
  chmodSync(parent, 0o755);
  const env = { ...process.env, DATABASE_URL: '', WAREHOUSE_URL: '', TEMPORAL_ADDRESS: '' };
  const ports = { api: 0, temporal: 0, temporalUi: 0, postgres: 0 };
  process.on('exit', killServices);
  const starting = startStack({ home: join(parent, 'home'), env, ports, ...options });
  afterAll(async () => {
    const stack = await starting.catch(() => undefined);
    await stack?.stop();
    process.off('exit', killServices);
    rmSync(parent, { recursive: true, force: true });
  });
  return await starting;
}
