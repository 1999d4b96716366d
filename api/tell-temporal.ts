import type { ScheduleName } from '../store/schedule-rows.ts';
import { pushOne } from '../watch/schedules/push-schedules.ts';
import type { Dependencies } from './dependencies.ts';

/** Gives Temporal what is kept of a schedule. @throws CodedError TEMPORAL_UNAVAILABLE */
export async function tellTemporal(
  { store, temporal }: Pick<Dependencies, 'store' | 'temporal'>,
  { project, name }: ScheduleName,
): Promise<void> {
  const id = await store.schedules.idOf(project, name);
  if (id !== null) await pushOne({ store, starter: temporal }, id);
}
