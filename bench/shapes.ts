// The graphs that are measured, as parents by number: a job's parents are smaller than itself. Free of I/O.

export interface Shape {
  /** For the command line and for project names. */
  readonly name: string;
  readonly title: string;
  readonly parents: readonly (readonly number[])[];
  /** How many runs of it are started at once. */
  readonly runs: number;
  /** How many times as long as bare Temporal it may take. */
  readonly ratioWanted: number;
  /** In the worker, a job; null where each job waits for the one before and has a transaction of its own. */
  readonly transactionsWanted: number | null;
}

const wide = { ratioWanted: 1.25, transactionsWanted: 0.3 } as const;

/** What one thinks of as a large graph. */
export const layersShape: Shape = {
  name: 'layers',
  title: '10 layers of 100',
  parents: layers(10, 100),
  runs: 1,
  ...wide,
};

export const shapes: readonly Shape[] = [
  {
    name: 'chain',
    title: 'chain of 10',
    parents: chain(10),
    runs: 1,
    ratioWanted: 1.5,
    transactionsWanted: null,
  },
  { name: 'fan', title: '1 → 100 → 1', parents: fan(100), runs: 1, ...wide },
  layersShape,
  { name: 'chains', title: '50 chains of 10', parents: chain(10), runs: 50, ...wide },
];

export function jobsOf(shape: Shape): number {
  return shape.parents.length * shape.runs;
}

export function chain(length: number): number[][] {
  return Array.from({ length }, (_, job) => (job === 0 ? [] : [job - 1]));
}

function fan(width: number): number[][] {
  const middle = Array.from({ length: width }, (_, at) => at + 1);
  return [[], ...middle.map(() => [0]), middle];
}

/** Each job has three parents in the layer before: its own column and the two beside it. */
export function layers(count: number, width: number): number[][] {
  return Array.from({ length: count * width }, (_, job) => {
    const above = Math.floor(job / width) - 1;
    if (above < 0) return [];
    return [0, 1, 2].map((step) => above * width + ((job + step) % width));
  });
}
