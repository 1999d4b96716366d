// What a transaction has let go on: told once it is committed. Nobody relies on it, since the watch looks for what was granted
// and not told.
import type { RunToStart } from './store.ts';

export interface Granted {
  readonly runs: readonly RunToStart[];
}

/** By the connection of the transaction. */
const noted = new WeakMap<object, RunToStart[]>();

export function noteGranted(client: object, runs: readonly RunToStart[]): void {
  if (runs.length > 0) noted.set(client, [...(noted.get(client) ?? []), ...runs]);
}

/** Forgets what was noted, and answers with it; null where there is nothing. */
export function takeGranted(client: object): Granted | null {
  const runs = noted.get(client);
  noted.delete(client);
  return runs ? { runs } : null;
}
