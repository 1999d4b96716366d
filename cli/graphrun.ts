#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { runCli } from './run-cli.ts';

const { argv, stdout, stderr, env } = process;
const interrupt = new AbortController();
// A watch ends in good order, all else at once; only the local stack takes its time, and sees to that itself.
if (argv[2] !== 'start') {
  process.once('SIGINT', () => {
    interrupt.abort();
    setTimeout(() => process.exit(130), 500).unref();
  });
}
// The reader of a pipe may leave early, as `head` does: that is not an error.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await runCli(argv.slice(2), {
  stdout,
  stderr,
  env,
  cwd: process.cwd(),
  packageDir: fileURLToPath(new URL('..', import.meta.url)),
  interrupted: interrupt.signal,
});
