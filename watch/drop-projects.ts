import { CodedError } from '../graph/errors.ts';
import type { Store } from '../store/store.ts';
import type { Warehouse } from '../warehouse/warehouse.ts';
import type { Starter } from './starter.ts';

export interface DropProjectsOptions {
  readonly store: Pick<Store, 'tombstones'>;
  readonly warehouse: Pick<Warehouse, 'dropProject'>;
  readonly starter: Pick<Starter, 'removeSchedule'>;
  readonly onError: (error: unknown) => void;
}

const projectsAtOnce = 10;

/** Drops what deleted projects have left in Temporal and in the warehouse, and frees their names. */
export async function dropDeletedProjects(options: DropProjectsOptions): Promise<void> {
  const { store, warehouse, starter, onError } = options;
  for (const tombstone of await store.tombstones.due(projectsAtOnce)) {
    try {
      for (const schedule of tombstone.schedules) await starter.removeSchedule(schedule);
      await warehouse.dropProject(tombstone.name, tombstone.token);
      await store.tombstones.remove(tombstone);
    } catch (error) {
      onError(error);
      await store.tombstones.postpone(tombstone, describe(error));
    }
  }
}

/** For callers of the API: what Postgres says may hold what is not theirs to know. */
function describe(error: unknown): string {
  return error instanceof CodedError
    ? error.message
    : 'the warehouse was busy or did not answer as it should';
}
