import { expect } from 'vitest';
import type { Engine } from './engine.ts';
import { until } from './until.ts';

/** Rows equal Temporal's history; what is only explained is so once Temporal has heard of the run's end. */
export async function expectProved(engine: Engine, graphRunId: string): Promise<void> {
  await until(async () => {
    const found = await engine.verify(graphRunId);
    expect(found).toMatchObject({ verdict: 'equal', differences: [] });
    return found.explained.length === 0 ? true : undefined;
  }, `run ${graphRunId} is proved, with nothing to be explained`);
}
