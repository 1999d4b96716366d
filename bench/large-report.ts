import type { Environment } from './environment.ts';
import { type LargeResults, type LargeRun, wantedRatio, wantedResumeMs, wantedRssMib } from './large.ts';
import { judge, listEnvironment, table } from './markdown.ts';

const mib = 1_024 ** 2;

export interface LargeSummary {
  readonly bareMs: number;
  readonly ratio: number;
  readonly peakRssMib: number;
  readonly largestHistory: number;
  /** Beyond running the last layer alone. */
  readonly resumeStartUpMs: number;
}

export function summarizeLarge({ bareMs, wide, chain, resume, layerAlone }: LargeResults): LargeSummary {
  const bare = bareMs.reduce((sum, ms) => sum + ms, 0);
  const runs = [wide, chain, resume];
  return {
    bareMs: bare,
    ratio: wide.ms / bare,
    peakRssMib: Math.max(...runs.map(({ peakRss }) => peakRss)) / mib,
    largestHistory: Math.max(...runs.flatMap(({ histories }) => histories)),
    resumeStartUpMs: resume.ms - layerAlone.ms,
  };
}

export function renderLarge(environment: Environment, results: LargeResults): string {
  const summary = summarizeLarge(results);
  const row = (what: string, run: LargeRun) => [
    what,
    String(run.jobs),
    `${(run.ms / 1_000).toFixed(1)} s`,
    `${run.histories.length}`,
    String(Math.max(...run.histories)),
    (run.peakRss / mib).toFixed(0),
  ];
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  return [
    ...listEnvironment(environment),
    '',
    ...table(
      ['run', 'jobs', 'time', 'executions', 'largest history', 'worker RSS MiB'],
      [
        row('10 layers', results.wide),
        row('chain', results.chain),
        row('last layer, alone', results.layerAlone),
        row('last layer, resumed', results.resume),
      ],
    ),
    '',
    `Ten bare runs of a tenth of the layers: ${seconds(summary.bareMs)}; ratio ${summary.ratio.toFixed(2)}, wanted at most ${wantedRatio}: ${judge(summary.ratio <= wantedRatio)}`,
    `Worker's peak: ${summary.peakRssMib.toFixed(0)} MiB, wanted below ${wantedRssMib}: ${judge(summary.peakRssMib < wantedRssMib)}`,
    `Largest history: ${summary.largestHistory} events`,
    `The resume takes ${seconds(summary.resumeStartUpMs)} more than the layer alone, wanted below ${seconds(wantedResumeMs)}: ${judge(summary.resumeStartUpMs < wantedResumeMs)}`,
  ].join('\n');
}
