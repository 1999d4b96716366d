// One Postgres and one Temporal server for the whole suite, in a folder and on ports of their own.
import type { TestProject } from 'vitest/node';
import { ensureDatabase } from '../../dev/databases.ts';
import { migrate } from '../../dev/migrate.ts';
import { choosePorts } from '../../dev/ports.ts';
import { makeScratchHome } from '../../dev/scratch-home.ts';
import { startScratchPostgres } from '../../dev/scratch-postgres.ts';
import { startTemporal } from '../../dev/temporal.ts';
import { ensureTemporalCli } from '../../dev/temporal-install.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a database with all migrations that nobody connects to: it is copied for each test file. */
    readonly templateUrl: string;
    readonly temporalAddress: string;
    /** Path of the Temporal CLI. */
    readonly temporalCli: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (text: string) => process.stderr.write(`set-up: ${text}\n`);
  const cli = await ensureTemporalCli({ note: say, progress: () => {} });
  const scratch = await makeScratchHome();
  const running: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    await Promise.all(running.map((service) => service.stop()));
    scratch.remove();
  };
  try {
    const ports = await choosePorts({ api: 0, temporal: 0, temporalUi: 0, postgres: 0 });
    const keep = <S extends { stop(): Promise<void> }>(service: S): S => {
      running.push(service);
      return service;
    };
    const starts = await Promise.allSettled([
      startTemporal({
        home: scratch.home,
        cli: cli.path,
        port: ports.temporal,
        uiPort: ports.temporalUi,
      }).then(keep),
      startScratchPostgres(scratch.home).then(keep),
    ]);
    const [temporal, postgres] = starts;
    if (temporal.status === 'rejected') throw temporal.reason;
    if (postgres.status === 'rejected') throw postgres.reason;
    const templateUrl = postgres.value.url('template_graphrun');
    await ensureDatabase(templateUrl);
    await migrate(templateUrl);
    project.provide('templateUrl', templateUrl);
    project.provide('temporalAddress', `127.0.0.1:${ports.temporal}`);
    project.provide('temporalCli', cli.path);
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}
