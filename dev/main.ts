// `npm start`: the local stack, with the example pushed and run.
import { parseArgs } from 'node:util';
import { consoleReport } from './console-report.ts';
import { firstRun, renderUrls } from './first-run.ts';
import { homeDir } from './home.ts';
import { defaultPorts } from './ports.ts';
import { killServices } from './service.ts';
import { type Stack, startStack } from './stack.ts';
import type { StackInfo } from './stack-file.ts';

const usage = `Starts Graphrun on this machine: Postgres, Temporal, worker and API. Then pushes the example "flights", runs it
and shows the run; the stack stays up until Ctrl-C.

Usage: npm start [-- OPTIONS]

  --once        ends when the run has ended: exit code 0 on SUCCESS, else 1
  --fresh       deletes the data of the stack first
  --no-example  starts the stack only
  --help        shows this

Environment: GRAPHRUN_HOME (data; default .graphrun), PORT (API; default ${defaultPorts.api}), DATABASE_URL, WAREHOUSE_URL
and TEMPORAL_ADDRESS (servers to use in place of the ones that are started)
`;

// npm hands a Ctrl-C on to us that the terminal has sent to us already.
const sameKeyMs = 800;
const lookForParentMs = 250;
/** A worker without jobs ends sooner. */
const tellOfWaitMs = 700;

const report = consoleReport();
const stopRequest = new AbortController();
let stack: Stack | undefined;

// Not left to end by itself: Prisma's schema engine leaves a timer of ten seconds behind.
process.exit(await main());

async function main(): Promise<number> {
  if (!flagsReachUs()) return 2;
  const args = readArgs();
  if (typeof args === 'number') return args;
  listenToSignals();
  const begun = performance.now();
  try {
    const port = readPort();
    const ports = port === undefined ? {} : { api: port };
    stack = await startStack({
      home: homeDir(),
      fresh: args.fresh,
      ports,
      firmPorts: port === undefined ? [] : ['api'],
      report,
      signal: stopRequest.signal,
    });
    report.step('graphrun', 'ready', performance.now() - begun, stack.info.apiUrl);
    const succeeded = args.example ? await runExample(stack.info, args.once) : true;
    if (args.once) return succeeded ? 0 : 1;
    process.stdout.write(`\n${renderUrls(stack.info, args.example)}\n\n`);
    await stopRequested();
    return 0;
  } catch (error) {
    if (stopRequest.signal.aborted) return args.once ? 1 : 0;
    showError(error);
    return 1;
  } finally {
    await stopStack();
  }
}

/** A stack that stays up does so without its example, too. */
async function runExample(info: StackInfo, once: boolean): Promise<boolean> {
  const { signal } = stopRequest;
  try {
    return await firstRun(info, { report, signal });
  } catch (error) {
    if (once || signal.aborted) throw error;
    showError(error);
    return false;
  }
}

function showError(error: unknown): void {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
}

async function stopStack(): Promise<void> {
  if (stack === undefined) return;
  const begun = performance.now();
  const tell = () => report.note('worker', 'waiting up to 15 s for running jobs to stop');
  const timer = setTimeout(tell, tellOfWaitMs);
  await stack.stop().finally(() => clearTimeout(timer));
  report.step('graphrun', 'stopped', performance.now() - begun);
}

function readArgs(): { once: boolean; fresh: boolean; example: boolean } | number {
  try {
    const { values } = parseArgs({
      allowNegative: true,
      options: {
        once: { type: 'boolean', default: false },
        fresh: { type: 'boolean', default: false },
        example: { type: 'boolean', default: true },
        help: { type: 'boolean', default: false },
      },
    });
    if (!values.help) return values;
    process.stdout.write(usage);
    return 0;
  } catch (error) {
    showError(error);
    process.stderr.write(`\n${usage}`);
    return 2;
  }
}

/** `npm start --once` gives the flag to npm, which takes it for a setting of its own and says nothing. */
function flagsReachUs(): boolean {
  const lost = ['once', 'fresh'].filter((flag) => process.env[`npm_config_${flag}`] === 'true');
  if (lost.length === 0) return true;
  const flags = lost.map((flag) => `--${flag}`).join(' ');
  process.stderr.write(`npm has kept ${flags} to itself; write: npm start -- ${flags}\n`);
  return false;
}

function readPort(): number | undefined {
  const text = process.env.PORT;
  if (!text) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`PORT is "${text}"; expected a number from 0 to 65535 (0: any free port)`);
}

function listenToSignals(): void {
  let first = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (!stopRequest.signal.aborted) {
      first = performance.now();
      report.note('graphrun', `${signal}: stopping (once more to end at once)`);
      stopRequest.abort();
    } else if (performance.now() - first > sameKeyMs) {
      process.exit(1);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // npm hands its signals to a shell, and some shells end of them without a word to us.
  const parent = process.ppid;
  const watch = () => {
    if (process.ppid !== parent && !stopRequest.signal.aborted) onSignal('SIGTERM');
  };
  if (process.env.npm_lifecycle_event) setInterval(watch, lookForParentMs).unref();
  // A terminal that was closed takes no more lines.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  // Whatever ends this process, nothing of the stack stays behind.
  process.on('exit', killServices);
}

function stopRequested(): Promise<void> {
  const { signal } = stopRequest;
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
