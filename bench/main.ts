// `npm run bench -- NAME`: starts servers of its own, measures, and leaves nothing behind. Results go to stdout.
import { killServices } from '../dev/service.ts';
import { type Note, WrongUse } from './benchmark.ts';
import { benchmarks } from './benchmarks/index.ts';
import { describeUsage, readCommand } from './command.ts';

const note: Note = (text) => process.stderr.write(`${text}\n`);

// Whatever ends this process, nothing that it started stays behind.
process.on('exit', killServices);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
// Not left to end by itself: Prisma's schema engine leaves a timer of ten seconds behind.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    const command = readCommand(benchmarks, args);
    if (command.action === 'help') {
      process.stdout.write(describeUsage(benchmarks));
      return 0;
    }
    const { text, data } = await command.benchmark.run(command.option, note);
    process.stdout.write(`${command.json ? JSON.stringify(data, null, 2) : text}\n`);
    return 0;
  } catch (error) {
    if (error instanceof WrongUse) {
      note(`${error.message}\n\n${describeUsage(benchmarks)}`);
      return 2;
    }
    note(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 1;
  }
}
