/** One file of bench/benchmarks/ each; its index.ts lists them. */
export interface Benchmark {
  readonly name: string;
  /** What it measures, in a line. */
  readonly title: string;
  /** Beside --json. */
  readonly options: readonly BenchmarkOption[];
  /** @throws WrongUse for the value of an option, before anything is started. */
  run(option: ReadOption, note: Note): Promise<Report>;
}

export interface BenchmarkOption {
  readonly name: string;
  /** What stands for its value in the usage. */
  readonly placeholder: string;
  readonly meaning: string;
  readonly byDefault: string;
}

/** The value that was given for an option, or its default. */
export type ReadOption = (name: string) => string;

/** Tells, beside the results, how far it has come. */
export type Note = (text: string) => void;

export interface Report {
  /** Markdown, so that it can be pasted into docs/benchmarks.md. */
  readonly text: string;
  /** All of it, for --json. */
  readonly data: unknown;
}

/** The command was given something that it does not know. */
export class WrongUse extends Error {
  override readonly name = 'WrongUse';
}

/** @throws WrongUse */
export function readCount(option: ReadOption, name: string, most = 1_000): number {
  const text = option(name);
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw new WrongUse(`--${name} is "${text}"; expected a whole number from 1 to ${most}`);
}
