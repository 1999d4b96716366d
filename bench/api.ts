import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { createApp } from '../api/app.ts';
import { createClient, type Client as GraphrunClient } from '../client/index.ts';
import { parseEnvironment } from '../graph/environment.ts';
import { createStore, type Store } from '../store/index.ts';
import { createInspector } from '../watch/inspector.ts';
import { openWatch } from '../watch/open-watch.ts';
import { createStarter } from '../watch/starter.ts';
import { connectLazily } from '../watch/temporal-connection.ts';
import { createTemporalView } from '../watch/temporal-view.ts';
import { benchKinds } from './kinds.ts';
import { settings } from './settings.ts';

export interface BenchApi {
  /** Speaks real HTTP to the API. */
  readonly client: GraphrunClient;
  readonly store: Store;
  close(): Promise<void>;
}

export interface BenchApiOptions {
  readonly databaseUrl: string;
  readonly warehouseUrl: string;
  /** Connected to when it is first needed. */
  readonly temporalAddress: string;
  /** Runs the watch beside it, as api/server.ts does. */
  readonly watches?: boolean | undefined;
  /** What the watch meets, for a benchmark in which it may; else none may. */
  readonly onWatchError?: ((error: unknown) => void) | undefined;
}

/** Starts the API in this process, on a free port. */
export async function startApi(options: BenchApiOptions): Promise<BenchApi> {
  const { databaseUrl, warehouseUrl, temporalAddress } = options;
  const environment = parseEnvironment({
    DATABASE_URL: databaseUrl,
    WAREHOUSE_URL: warehouseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
  });
  const store = createStore({ databaseUrl });
  const starter = createStarter({ temporal: environment.temporal });
  const onError = options.onWatchError ?? throwLater;
  const watch = options.watches
    ? openWatch({ environment, store, starter, holder: 'bench', onError, onCorrection: () => {} })
    : undefined;
  const connection = connectLazily(environment.temporal);
  const client = new Client({ connection, namespace: environment.temporal.namespace });
  const app = await createApp({
    store,
    temporal: starter,
    kinds: benchKinds,
    inspector: createInspector({
      store,
      temporal: createTemporalView(client),
      taskQueue: settings.taskQueue,
    }),
  });
  const apiKey = randomBytes(32).toString('base64url');
  await store.apiKeys.ensure({ name: 'bench', role: 'admin', key: apiKey });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    client: createClient({ url, apiKey }),
    store,
    close: async () => {
      await Promise.all([app.close(), watch?.stop()]);
      await Promise.all([starter.close(), connection.close(), store.close()]);
    },
  };
}

/** Nothing that is measured may go on beside a watch that fails. */
function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
