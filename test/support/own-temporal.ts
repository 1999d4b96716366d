import { afterAll } from 'vitest';
import { choosePorts } from '../../dev/ports.ts';
import { makeScratchHome } from '../../dev/scratch-home.ts';
import { startTemporal } from '../../dev/temporal.ts';
import { ensureTemporalCli } from '../../dev/temporal-install.ts';

/** A Temporal server of a test file's own, with other dynamic settings; its address. */
export async function useOwnTemporal(settings: readonly string[]): Promise<string> {
  const { path: cli } = await ensureTemporalCli({ note: () => {}, progress: () => {} });
  const { home, remove } = await makeScratchHome();
  const ports = await choosePorts({ api: 0, temporal: 0, temporalUi: 0, postgres: 0 });
  const server = await startTemporal({ home, cli, port: ports.temporal, uiPort: ports.temporalUi, settings });
  afterAll(async () => {
    await server.stop();
    remove();
  });
  return `127.0.0.1:${ports.temporal}`;
}
