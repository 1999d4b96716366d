import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes an empty folder for a test file and deletes it after the last test. Other users may pass through it. */
export function useFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'graphrun-test-'));
  chmodSync(dir, 0o755);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
