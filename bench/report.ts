import type { Environment } from './environment.ts';
import { judge, listEnvironment, table } from './markdown.ts';
import type { ShapeSummary } from './summary.ts';

/** The result as two tables of Markdown, so that they can be pasted into docs/benchmarks.md. */
export function renderOverhead(environment: Environment, summaries: readonly ShapeSummary[]): string {
  return [
    ...listEnvironment(environment),
    '',
    ...table(
      [
        'shape',
        'bare ms',
        'GraphRun ms',
        'ratio',
        'min – max',
        'wanted',
        '',
        'ratio to the result',
        'CPU ratio',
      ],
      summaries.map(timeRow),
    ),
    '',
    'Costs of one job, GraphRun / bare Temporal:',
    '',
    ...table(
      [
        'shape',
        'transactions (worker)',
        'statements',
        'transactions (API)',
        'statements',
        'history events',
        'worker CPU ms',
        'API CPU ms',
        'Postgres CPU ms',
        'Temporal CPU ms',
      ],
      summaries.map(costRow),
    ),
  ].join('\n');
}

function timeRow(summary: ShapeSummary): string[] {
  const { title, bareMs, graphRunMs, ratio, resultRatio, cpuRatio, ratioWanted } = summary;
  return [
    title,
    bareMs.median.toFixed(0),
    graphRunMs.median.toFixed(0),
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)} – ${ratio.max.toFixed(2)}`,
    `≤ ${ratioWanted}`,
    judge(ratio.median <= ratioWanted),
    resultRatio.median.toFixed(2),
    decimal(cpuRatio),
  ];
}

function costRow({ title, perJob, transactionsWanted }: ShapeSummary): string[] {
  const { bare, graphRun } = perJob;
  const transactions = graphRun.workerTransactions.toFixed(2);
  const wanted = transactionsWanted === null ? '' : ` (wanted < ${transactionsWanted})`;
  return [
    title,
    `${transactions}${wanted}`,
    graphRun.workerStatements.toFixed(2),
    graphRun.apiTransactions.toFixed(2),
    graphRun.apiStatements.toFixed(2),
    `${graphRun.historyEvents.toFixed(1)} / ${bare.historyEvents.toFixed(1)}`,
    `${graphRun.workerCpuMs.toFixed(2)} / ${bare.workerCpuMs.toFixed(2)}`,
    `${graphRun.apiCpuMs.toFixed(2)} / ${bare.apiCpuMs.toFixed(2)}`,
    decimal(graphRun.postgresCpuMs),
    `${decimal(graphRun.temporalCpuMs)} / ${decimal(bare.temporalCpuMs)}`,
  ];
}

function decimal(value: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(2);
}
