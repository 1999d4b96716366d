// Runs before `npm start` and `npm test`, under any Node from 20 on: brings a checkout to where they work. Does nothing,
// in a few milliseconds, when all is there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const modules = join(root, 'node_modules');
const client = join(root, 'store', 'generated');
// The client is generated without Prisma's engine, whose download not every network allows.
const noEngine = { PRISMA_SCHEMA_ENGINE_BINARY: existsSync('/bin/true') ? '/bin/true' : '/usr/bin/true' };

const steps = [
  { what: 'installing packages with npm (about a minute)', needed: packagesStale, run: installPackages },
  { what: 'generating the database client', needed: clientStale, run: generateClient },
];

if (steps.some((step) => step.needed())) withLock(() => steps.forEach(takeStep));
// Has no cheap look of its own: what is found depends on the PATH and on the user's cache.
run(
  join(modules, '.bin', 'node'),
  [join(root, 'dev', 'ensure-temporal.ts')],
  'no Temporal server could be had',
);

function takeStep({ what, needed, run: perform }) {
  if (!needed()) return;
  say(what);
  const begun = Date.now();
  perform();
  say(`done in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

// npm writes what it installed to node_modules/.package-lock.json, at the end of an installation.
function packagesStale() {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(join(modules, '.package-lock.json'));
  if (wanted === undefined)
    fail(`package-lock.json is missing in ${root}, or no JSON: get the checkout whole again`);
  if (installed === undefined) return true;
  return Object.entries(wanted).some(([path, entry]) => {
    const found = installed[path];
    if (path === '' || (found === undefined && entry.optional)) return false;
    return found?.version !== entry.version || found?.integrity !== entry.integrity;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function installPackages() {
  // Not "npm ci": it refuses a lock file that was written where the registry lacks packages of other platforms.
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  // The npm that runs this script, under its own Node: the one in node_modules may be about to be replaced.
  const { npm_execpath: npm, npm_node_execpath: node = process.execPath } = process.env;
  const [command, ...first] = npm?.endsWith('npm-cli.js') ? [node, npm] : ['npm'];
  run(command, [...first, ...args], 'npm could not install the packages');
}

function clientStale() {
  const stamp = join(client, '.schema-hash');
  return !existsSync(stamp) || readFileSync(stamp, 'utf8') !== schemaHash();
}

function generateClient() {
  const prisma = join(modules, 'prisma', 'build', 'index.js');
  run(
    join(modules, '.bin', 'node'),
    [prisma, 'generate', '--no-hints'],
    'Prisma could not generate its client',
    'quiet',
  );
  mkdirSync(client, { recursive: true });
  writeFileSync(join(client, '.schema-hash'), schemaHash());
}

function schemaHash() {
  const hash = createHash('sha256');
  for (const file of ['prisma/schema.prisma', 'prisma.config.ts', 'node_modules/prisma/package.json']) {
    const path = join(root, file);
    hash.update(existsSync(path) ? readFileSync(path) : '');
  }
  return hash.digest('hex');
}

function run(command, args, failure, quiet) {
  const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2];
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...noEngine },
    stdio,
  });
  if (status === 0) return;
  if (quiet) process.stderr.write(`${stdout}${stderr}`);
  const reason = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}; see above`);
  fail(`${failure}: ${reason}`);
}

// Two set-ups of one checkout at once (npm start and npm test) would write into the same folders.
function withLock(work) {
  const name = `graphrun-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
  const lock = join(tmpdir(), name);
  let told = false;
  while (!take(lock)) {
    if (!told) say(`another set-up of this checkout is under way; waiting for it (its lock is ${lock})`);
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  const release = () => rmSync(lock, { force: true });
  process.on('exit', release);
  work();
  release();
  process.off('exit', release);
}

function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    process.kill(Number(readFileSync(lock, 'utf8')) || process.pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') rmSync(lock, { force: true });
  }
  return false;
}

function say(text) {
  process.stderr.write(`${'set-up'.padEnd(10)} ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
