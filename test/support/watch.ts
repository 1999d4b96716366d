import { randomUUID } from 'node:crypto';
import { afterAll, expect } from 'vitest';
import type { Correction } from '../../store/watching.ts';
import { createStarter } from '../../watch/starter.ts';
import { startWatch, type WatchOptions } from '../../watch/watch.ts';
import type { Engine } from './engine.ts';

export interface TestWatch {
  /** As `kind workflow-id`. */
  readonly corrections: `${Correction} ${string}`[];
  stop(): Promise<void>;
}

/** The watch, beside an engine. Corrections are gathered; an error that it meets fails the file. */
export function useWatch(engine: Engine, options: Partial<WatchOptions> = {}): TestWatch {
  const corrections: TestWatch['corrections'] = [];
  const errors: unknown[] = [];
  const { store, warehouse, temporal, taskQueue, temporalAddress: address } = engine;
  const starter = createStarter({ temporal: { address, namespace: 'default' }, taskQueue });
  const watch = startWatch({
    ...{ store, warehouse, temporal, starter, taskQueue, actor: 'watch', holder: randomUUID() },
    onError: (error) => errors.push(error),
    onCorrection: (correction, workflowId) => corrections.push(`${correction} ${workflowId}`),
    ...options,
  });
  afterAll(async () => {
    await watch.stop();
    await starter.close();
    expect(errors).toEqual([]);
  });
  return { corrections, stop: watch.stop };
}
