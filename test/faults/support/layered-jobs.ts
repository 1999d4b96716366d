import type { GraphDefinition } from '../../../graph/definition.ts';

type Jobs = GraphDefinition['jobs'];

export interface LayeredJobs {
  readonly layers: number;
  readonly width: number;
  /** How long the code of a job takes. */
  readonly msOf: (job: number) => number;
  readonly retry?: Jobs[string]['retry'];
}

/** Each job but those of the first layer waits for two of the layer before. Every other one has an effect. */
export function layeredJobs({ layers, width, msOf, retry }: LayeredJobs): Jobs {
  const jobs = Array.from({ length: layers * width }, (_, job) => {
    const before = Math.floor(job / width) - 1;
    const parents = [job % width, (job + 1) % width].map((place) => `job_${before * width + place}`);
    return [
      `job_${job}`,
      {
        kind: job % 2 === 0 ? 'count' : 'step',
        config: { ms: msOf(job) },
        ...(before >= 0 && { dependsOn: parents }),
        ...(retry && { retry }),
      },
    ];
  });
  return Object.fromEntries(jobs);
}
