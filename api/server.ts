// The API's process. Its parent, where there is one, hears `{ type: 'ready', url }` over IPC, and ends it by closing that.
import { hostname } from 'node:os';
import { pino } from 'pino';
import { type Environment, parseEnvironment } from '../graph/environment.ts';
import { createKinds } from '../jobs/index.ts';
import { createStore, type Store } from '../store/index.ts';
import { logSparingly } from '../watch/log-sparingly.ts';
import { openWatch } from '../watch/open-watch.ts';
import { createStarter } from '../watch/starter.ts';
import { tellGranted } from '../watch/tell-granted.ts';
import { createApp } from './app.ts';

/** Requests that take longer to end are cut off. */
const drainTimeoutMs = 10_000;

const log = pino({ name: 'api', redact: ['*.authorization', '*.headers.authorization'] });

try {
  await run(parseEnvironment(process.env));
} catch (error) {
  log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
  process.exit(1);
}

async function run(environment: Environment): Promise<void> {
  const stopAsked = awaitStop();
  const starter = createStarter({ temporal: environment.temporal });
  const onGranted = tellGranted(
    starter,
    (told) => store.watch.noteTold(told),
    (error) => log.debug({ err: error }, 'not told yet of a grant'),
  );
  const store: Store = createStore({ databaseUrl: environment.databaseUrl, onGranted });
  const watch = openWatch({
    environment,
    store,
    starter,
    holder: `api:${process.pid}@${hostname()}`,
    onError: logSparingly(log, 'the watch met an error and goes on'),
    onCorrection: (correction, workflowId) => log.info({ correction, workflowId }, 'rows were mended'),
  });
  const { inspector } = watch;
  const app = await createApp({ store, temporal: starter, kinds: createKinds(), inspector, logger: log });
  const url = await app.listen({ port: environment.port, host: environment.host });
  log.info({ url }, 'ready');
  process.send?.({ type: 'ready', url });

  const why = await stopAsked;
  log.info({ why }, 'stopping');
  const cutOff = setTimeout(() => app.server.closeAllConnections(), drainTimeoutMs);
  await Promise.all([app.close(), watch.stop()]);
  clearTimeout(cutOff);
  await Promise.all([starter.close(), store.close()]);
  log.info('stopped');
  if (process.connected) process.disconnect();
}

/** Resolves with the reason at the first of: a signal, or the end of the parent. Later ones change nothing. */
function awaitStop(): Promise<string> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve('SIGTERM'));
    process.on('SIGINT', () => resolve('SIGINT'));
    process.on('disconnect', () => resolve('the parent process is gone'));
  });
}
