// What the command line says, apart from what it does.
import { parseArgs } from 'node:util';
import { type Benchmark, type ReadOption, WrongUse } from './benchmark.ts';

export type Command =
  | { readonly action: 'help' }
  | {
      readonly action: 'run';
      readonly benchmark: Benchmark;
      readonly option: ReadOption;
      readonly json: boolean;
    };

/** @throws WrongUse */
export function readCommand(benchmarks: readonly Benchmark[], args: readonly string[]): Command {
  if (args.includes('--help')) return { action: 'help' };
  const [name = '', ...rest] = args;
  const benchmark = benchmarks.find((candidate) => candidate.name === name);
  if (!benchmark) throw new WrongUse(`there is no benchmark "${name}"`);
  const { json, ...given } = readOptions(benchmark, rest);
  const defaults = new Map(benchmark.options.map((option) => [option.name, option.byDefault]));
  const option = (asked: string): string => {
    const value = given[asked] ?? defaults.get(asked);
    if (typeof value !== 'string') throw new Error(`${name} does not declare the option ${asked}`);
    return value;
  };
  return { action: 'run', benchmark, option, json: json === true };
}

export function describeUsage(benchmarks: readonly Benchmark[]): string {
  const lines = benchmarks.flatMap(({ name, title, options }) => [
    [name, title],
    ...options.map((option) => [
      `  --${option.name} ${option.placeholder}`,
      `${option.meaning}; default ${option.byDefault}`,
    ]),
  ]);
  return [
    'Measures Graphrun on this machine, on servers of its own.',
    '',
    'Usage: npm run bench -- NAME [OPTIONS]',
    '',
    ...[...lines, ['--json', 'prints everything as JSON']].map(
      ([left = '', right = '']) => `  ${left.padEnd(18)}${right}`,
    ),
    '',
  ].join('\n');
}

function readOptions(benchmark: Benchmark, args: string[]): Record<string, string | boolean | undefined> {
  const known = benchmark.options.map(({ name }) => [name, { type: 'string' }] as const);
  try {
    const { values } = parseArgs({
      args,
      options: { ...Object.fromEntries(known), json: { type: 'boolean' } },
    });
    return values;
  } catch (error) {
    throw new WrongUse(error instanceof Error ? error.message : String(error));
  }
}
