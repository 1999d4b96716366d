import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pushGraph } from '../cli/push-graph.ts';
import { renderRun } from '../cli/run-table.ts';
import { formatColumns, printable } from '../cli/text.ts';
import { watchRun } from '../cli/watch-run.ts';
import { createClient } from '../client/index.ts';
import flights from '../examples/flights/graph.ts';
import { createWarehouse } from '../warehouse/warehouse.ts';
import type { StackInfo } from './stack-file.ts';
import type { StackReport } from './stack-report.ts';
import { timed } from './stack-report.ts';

export interface FirstRunOptions {
  readonly report: StackReport;
  readonly signal: AbortSignal;
  readonly out?: NodeJS.WriteStream;
}

const rowsShown = 5;

/** Pushes the example on its real data, runs it, and shows the run and what it made. Returns whether it succeeded. */
export async function firstRun(stack: StackInfo, options: FirstRunOptions): Promise<boolean> {
  const { report, signal, out = process.stdout } = options;
  const client = createClient({ url: stack.apiUrl, apiKey: stack.apiKey });
  // The npm package lets only its code be imported; the data lies beside it.
  const vegaDatasets = dirname(dirname(createRequire(import.meta.url).resolve('vega-datasets')));
  const filesDir = join(vegaDatasets, 'data');
  const { value: pushed, ms } = await timed(() => pushGraph({ client, definition: flights, filesDir }));
  const files = pushed.files.map((file) => file.name).join(', ');
  report.step('example', `"${pushed.project}" pushed`, ms, `version ${pushed.version}, with ${files}`);
  signal.throwIfAborted();
  const started = await client.graphRuns.start(pushed.project);
  out.write('\n');
  const run = await watchRun({ client, runId: started.id, out, signal });
  // A terminal shows the table already, drawn again and again.
  if (!out.isTTY) out.write(`\n${renderRun(run, new Date(), { errors: false })}\n`);
  if (run.state !== 'SUCCESS') return false;
  const datasets = run.jobRuns.filter((job) => job.kind === 'transform').map((job) => job.job);
  out.write(`\n${await renderResults(stack.warehouseUrl, { project: pushed.project, datasets })}\n`);
  return true;
}

/** Where to go from here. */
export function renderUrls(stack: StackInfo, withExample: boolean): string {
  const rows = [
    ['API', stack.apiUrl],
    ['API docs', `${stack.apiUrl}/docs`],
    ...(stack.temporalUiUrl === null ? [] : [['Temporal', stack.temporalUiUrl]]),
    ...(stack.temporalCli === null
      ? []
      : [['Temporal CLI', `${stack.temporalCli} workflow list --address ${stack.temporalAddress}`]]),
    ...(withExample ? [['Run again', 'npm run -s graphrun -- run flights --watch']] : []),
    ['Stop', 'Ctrl-C; the data stays, and "npm start" goes on with it'],
  ];
  return formatColumns(rows);
}

async function renderResults(
  warehouseUrl: string,
  { project, datasets }: { project: string; datasets: readonly string[] },
): Promise<string> {
  const warehouse = createWarehouse({ url: warehouseUrl, poolSize: 1 });
  try {
    const tables: string[] = [];
    for (const dataset of datasets) {
      const { columns, rows } = await warehouse.previewDataset(project, dataset, rowsShown);
      const titles = columns.map((column) => column.name);
      const cells = rows.map((row) => row.map((value) => printable(value === null ? '' : String(value))));
      const numbers = [...columns.keys()].filter((i) => numberTypes.has(columns[i]?.type ?? ''));
      tables.push(`${dataset}: its first rows\n${formatColumns([titles, ...cells], numbers)}`);
    }
    return tables.join('\n\n');
  } finally {
    await warehouse.close();
  }
}

const numberTypes = new Set(['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision']);
