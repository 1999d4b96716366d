import { randomUUID } from 'node:crypto';
import { afterAll, expect } from 'vitest';
import { startWatch } from '../../watch/watch.ts';
import type { Engine } from './engine.ts';

/** The watch, beside an engine. Corrections are gathered; an error that it meets fails the file. */
export function useWatch(engine: Engine): { readonly corrections: string[] } {
  const corrections: string[] = [];
  const errors: unknown[] = [];
  const { store, warehouse, temporal } = engine;
  const watch = startWatch({
    store,
    warehouse,
    temporal,
    actor: 'watch',
    holder: randomUUID(),
    onError: (error) => errors.push(error),
    onCorrection: (followed, runId) => corrections.push(`${followed} ${runId}`),
  });
  afterAll(async () => {
    await watch.stop();
    expect(errors).toEqual([]);
  });
  return { corrections };
}
