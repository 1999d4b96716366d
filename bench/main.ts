// `npm run bench -- NAME`: starts servers of its own, measures, and leaves nothing behind. Results go to stdout.
import { parseArgs } from 'node:util';
import { killServices } from '../dev/service.ts';
import { describeEnvironment } from './environment.ts';
import { measurePairs, type Pair } from './overhead.ts';
import { renderOverhead } from './report.ts';
import { type Shape, shapes } from './shapes.ts';
import { withStack } from './stack.ts';
import { summarize } from './summary.ts';

const usage = `Measures Graphrun on this machine.

Usage: npm run bench -- overhead [OPTIONS]

  overhead        GraphRuns against bare Temporal workflows of the same shape, which write nothing
  --runs N        pairs to measure of each shape, after a warm-up; default 5
  --shapes A,B    of ${shapes.map(({ name }) => name).join(', ')}; default all
  --json          prints everything as JSON
`;

interface Wanted {
  readonly pairs: number;
  readonly shapes: readonly Shape[];
  readonly json: boolean;
}

const note = (text: string) => process.stderr.write(`${text}\n`);

// Whatever ends this process, nothing that it started stays behind.
process.on('exit', killServices);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
// Not left to end by itself: Prisma's schema engine leaves a timer of ten seconds behind.
process.exit(await main());

async function main(): Promise<number> {
  const wanted = readArgs();
  if (typeof wanted === 'number') return wanted;
  try {
    process.stdout.write(`${await overhead(wanted)}\n`);
    return 0;
  } catch (error) {
    note(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 1;
  }
}

async function overhead(wanted: Wanted): Promise<string> {
  return withStack(note, async (stack) => {
    const environment = describeEnvironment(stack.versions, wanted.pairs);
    const measured: { shape: Shape; pairs: Pair[] }[] = [];
    for (const shape of wanted.shapes) {
      await stack.push(shape);
      const onPair = ({ bare, graphRun }: Pair, index: number) =>
        note(
          `${shape.title} ${index + 1}/${wanted.pairs}: bare ${bare.ms} ms, GraphRun ${graphRun.ms.toFixed(0)} ms`,
        );
      measured.push({ shape, pairs: await measurePairs(stack, shape, { pairs: wanted.pairs, onPair }) });
    }
    const summaries = measured.map(({ shape, pairs }) => summarize(shape, pairs));
    if (!wanted.json) return renderOverhead(environment, summaries);
    const withPairs = summaries.map((summary, at) => ({ ...summary, pairs: measured[at]?.pairs ?? [] }));
    return JSON.stringify({ environment, shapes: withPairs }, null, 2);
  });
}

function readArgs(): Wanted | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: 'string', default: '5' },
        shapes: { type: 'string', default: shapes.map(({ name }) => name).join(',') },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    const [name, ...rest] = positionals;
    if (name !== 'overhead' || rest.length > 0)
      throw new Error(`there is no benchmark "${positionals.join(' ')}"`);
    return {
      pairs: readCount(values.runs),
      shapes: values.shapes.split(',').map(findShape),
      json: values.json,
    };
  } catch (error) {
    note(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1_000) return count;
  throw new Error(`--runs is "${text}"; expected a number from 1 to 1000`);
}

function findShape(name: string): Shape {
  const shape = shapes.find((candidate) => candidate.name === name);
  if (shape) return shape;
  throw new Error(
    `--shapes names "${name}"; expected one of ${shapes.map((known) => known.name).join(', ')}`,
  );
}
