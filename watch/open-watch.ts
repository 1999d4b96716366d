import { Client } from '@temporalio/client';
import type { Environment } from '../graph/environment.ts';
import type { Store } from '../store/store.ts';
import { createWarehouse } from '../warehouse/warehouse.ts';
import { defaultTaskQueue } from '../workflows/contract.ts';
import { createInspector, type Inspector } from './inspector.ts';
import { connectLazily } from './temporal-connection.ts';
import { createTemporalView } from './temporal-view.ts';
import { startWatch, type WatchOptions } from './watch.ts';

export interface OpenWatchOptions
  extends Pick<WatchOptions, 'starter' | 'holder' | 'onError' | 'onCorrection'> {
  readonly environment: Environment;
  readonly store: Store;
}

/** It raises fences, one at a time. */
const warehousePoolSize = 2;

export interface OpenedWatch {
  readonly inspector: Inspector;
  stop(): Promise<void>;
}

/** The watch for a process that has no warehouse of its own, with connections that are made when they are needed. */
export function openWatch(options: OpenWatchOptions): OpenedWatch {
  const { environment, ...rest } = options;
  const connection = connectLazily(environment.temporal);
  const warehouse = createWarehouse({ url: environment.warehouseUrl, poolSize: warehousePoolSize });
  const stopping = new AbortController();
  const client = new Client({ connection, namespace: environment.temporal.namespace });
  const temporal = createTemporalView(client, stopping.signal);
  const taskQueue = defaultTaskQueue;
  const watch = startWatch({ ...rest, warehouse, temporal, taskQueue, actor: 'watch' });
  return {
    inspector: createInspector({ store: rest.store, temporal, taskQueue }),
    stop: async () => {
      const stopped = watch.stop();
      // What is asked by then is not waited for.
      stopping.abort();
      await stopped;
      await Promise.all([connection.close(), warehouse.close()]);
    },
  };
}
