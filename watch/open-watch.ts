import { Client, isGrpcServiceError } from '@temporalio/client';
import type { Environment } from '../graph/environment.ts';
import { CodedError } from '../graph/errors.ts';
import type { Verification } from '../graph/resources.ts';
import type { Store } from '../store/store.ts';
import { createWarehouse } from '../warehouse/warehouse.ts';
import { connectLazily } from './temporal-connection.ts';
import { createTemporalView } from './temporal-view.ts';
import { verifyGraphRun } from './verify.ts';
import { startWatch, type WatchOptions } from './watch.ts';

export interface OpenWatchOptions extends Pick<WatchOptions, 'holder' | 'onError' | 'onCorrection'> {
  readonly environment: Environment;
  readonly store: Store;
}

/** It raises fences, one at a time. */
const warehousePoolSize = 2;

export interface OpenedWatch {
  /** @throws CodedError GRAPH_RUN_UNKNOWN, TEMPORAL_UNAVAILABLE */
  verify(graphRunId: string): Promise<Verification>;
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
  const watch = startWatch({ ...rest, warehouse, temporal, actor: 'watch' });
  return {
    verify: (id) => verifyGraphRun({ store: rest.store, temporal }, id).catch(translate),
    stop: async () => {
      stopping.abort();
      await watch.stop();
      await Promise.all([connection.close(), warehouse.close()]);
    },
  };
}

function translate(error: unknown): never {
  if (error instanceof CodedError || !isGrpcServiceError(error)) throw error;
  throw new CodedError('TEMPORAL_UNAVAILABLE', 'Temporal (TEMPORAL_ADDRESS) does not answer as it should.', {
    cause: error,
  });
}
