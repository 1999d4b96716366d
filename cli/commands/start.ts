import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { Setting } from '../command.ts';

const localStack = fileURLToPath(new URL('../../dev/main.ts', import.meta.url));

/** `graphrun start`: the local stack, as a process of its own; it takes all flags, and its exit code is the answer. */
export function startCommand({ io, outcome }: Setting): Command {
  return new Command('start')
    .summary('starts Graphrun on this machine')
    .description('Starts Postgres, Temporal, worker and API on this machine, and runs the example.')
    .argument('[flags...]', 'flags of the local stack: --once, --fresh, --no-example')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (_flags: string[], _options: unknown, command: Command) => {
      const child = spawn(process.execPath, [localStack, ...command.args], {
        cwd: io.cwd,
        env: io.env,
        stdio: 'inherit',
      });
      // The terminal sends a Ctrl-C to the child as well, which then stops its services: this waits for that.
      const pass = (signal: NodeJS.Signals) => void child.kill(signal);
      const ignore = () => {};
      process.on('SIGTERM', pass).on('SIGINT', ignore);
      try {
        const [code] = await once(child, 'exit');
        outcome.code = typeof code === 'number' ? code : 1;
      } finally {
        process.off('SIGTERM', pass).off('SIGINT', ignore);
      }
    });
}
