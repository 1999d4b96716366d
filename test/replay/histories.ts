import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { WorkflowHandle } from '@temporalio/client';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Worker } from '@temporalio/worker';
import { loadWorkflowBundle } from '../../worker/workflow-bundle.ts';

/** Recorded ones: `<shape>-<day>.json`. */
export const histories = new URL('histories/', import.meta.url);

/** A run's history as JSON; with RECORD_HISTORIES set it is stored. */
export async function takeHistory(shape: string, handle: WorkflowHandle): Promise<unknown> {
  const text = historyToJSON(await handle.fetchHistory())
    .replaceAll(hostname(), 'host')
    .replaceAll(process.cwd(), '/graphrun');
  const json: unknown = JSON.parse(text);
  if (process.env.RECORD_HISTORIES) {
    const file = new URL(`${shape}-${new Date().toISOString().slice(0, 10)}.json`, histories);
    writeFileSync(file, `${JSON.stringify(json)}\n`);
  }
  return json;
}

/** What a history meets on today's workflows; undefined where they do as it tells. */
export async function replay(id: string, history: unknown): Promise<Error | undefined> {
  const workflowBundle = await loadWorkflowBundle(new DefaultLogger('ERROR'));
  const results = Worker.runReplayHistories({ workflowBundle }, [
    { workflowId: id, history: historyFromJSON(history) },
  ]);
  for await (const { error } of results) return error;
  throw new Error('nothing was replayed');
}
