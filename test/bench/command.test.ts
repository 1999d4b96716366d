import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Benchmark, readCount, WrongUse } from '../../bench/benchmark.ts';
import { benchmarks } from '../../bench/benchmarks/index.ts';
import { describeUsage, readCommand } from '../../bench/command.ts';

const benchmark: Benchmark = {
  name: 'sample',
  title: 'what it measures',
  options: [{ name: 'runs', placeholder: 'N', meaning: 'runs to measure', byDefault: '5' }],
  run: () => Promise.reject(new Error('not run here')),
};

function read(...args: string[]) {
  const command = readCommand([benchmark], args);
  if (command.action !== 'run') throw new Error('expected a run');
  return command;
}

describe('the command line of the benchmarks', () => {
  it('gives a benchmark its options, and their defaults', () => {
    expect(read('sample').option('runs')).toBe('5');
    expect(read('sample').json).toBe(false);
    const given = read('sample', '--runs', '7', '--json');
    expect(given).toMatchObject({ benchmark, json: true });
    expect(given.option('runs')).toBe('7');
  });

  it('asks for help wherever --help stands', () => {
    expect(readCommand([benchmark], ['--help'])).toEqual({ action: 'help' });
    expect(readCommand([benchmark], ['sample', '--help'])).toEqual({ action: 'help' });
  });

  it.each([[[]], [['other']], [['sample', 'more']], [['sample', '--unknown', '1']], [['sample', '--runs']]])(
    'refuses %j',
    (args) => {
      expect(() => readCommand([benchmark], args)).toThrow(WrongUse);
    },
  );

  it('lists every benchmark with its options', () => {
    expect(describeUsage([benchmark])).toContain('sample            what it measures');
    expect(describeUsage([benchmark])).toContain('--runs N        runs to measure; default 5');
  });

  it.each(['0', '1.5', '101', 'many', ''])('refuses the count "%s", saying what it expected', (text) => {
    expect(() => readCount(() => text, 'runs', 100)).toThrow(
      `--runs is "${text}"; expected a whole number from 1 to 100`,
    );
  });
});

describe('the commands of docs/benchmarks.md', () => {
  const docs = readFileSync(new URL('../../docs/benchmarks.md', import.meta.url), 'utf8');
  const typed = [...docs.matchAll(/^npm run bench -- (.+)$/gm)].map(([, args = '']) => args);

  it.each(typed)('%s is understood', (args) => {
    expect(readCommand(benchmarks, args.split(' '))).toMatchObject({ action: 'run' });
  });

  it('show every benchmark', () => {
    expect(typed.map((args) => args.split(' ')[0])).toEqual(benchmarks.map(({ name }) => name));
  });
});
