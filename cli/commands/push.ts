import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { GraphrunError } from '../../client/index.ts';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { UsageError } from '../exit-codes.ts';
import { type Pushed, type PushedFile, type PushProgress, pushGraph } from '../push-graph.ts';
import { type ReadDefinition, readDefinition } from '../read-definition.ts';
import { count, formatBytes, printable } from '../text.ts';

interface Flags {
  readonly files?: string;
  readonly dryRun: boolean;
  readonly projectCreate: boolean;
}

/** `graphrun push <file>`: makes a definition the current graph, and uploads the files of its jobs. */
export function pushCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'push <file>', push)
    .summary('makes a graph the current one of its project')
    .description(
      'Reads a graph from TypeScript, JavaScript (its default export), JSON or YAML, makes it the current one of its ' +
        'project, and uploads the files of its upload jobs that the server does not have yet.',
    )
    .option('--files <folder>', 'where the files of upload jobs are (default: the folder of <file>)')
    .option('--dry-run', 'only checks, and tells what would change', false)
    .option('--no-project-create', 'refuses when the project is not there, instead of making it');
}

async function push(session: Session, [file = '']: string[], flags: Flags): Promise<undefined> {
  const path = resolve(session.io.cwd, file);
  const filesDir = resolve(session.io.cwd, flags.files ?? dirname(path));
  if (flags.files !== undefined) requireFolder(filesDir);
  const read = await readDefinition(path);
  try {
    const pushed = await pushGraph({
      client: session.client,
      definition: read.value,
      filesDir,
      dryRun: flags.dryRun,
      createProject: flags.projectCreate,
      onProgress: tellProgress(session),
    });
    session.print({ ...pushed, dryRun: flags.dryRun }, () => renderPushed(pushed, flags.dryRun));
  } catch (error) {
    throw error instanceof GraphrunError ? locate(error, read, file) : error;
  }
}

function requireFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UsageError(`--files: ${path} is not a folder.`);
}

/** Where the file tells lines, each problem says its own. */
function locate(error: GraphrunError, read: ReadDefinition, file: string): GraphrunError {
  const problems = error.problems.map((problem) => {
    const place = read.placeOf(problem.path);
    return place === undefined ? problem : { ...problem, path: `${file}:${place} ${problem.path}` };
  });
  const { status, code, title, message: detail } = error;
  return new GraphrunError({ type: 'about:blank', status, code, title, detail, problems });
}

/** What becomes of the files, to stderr; on a terminal also how far a large one is. */
function tellProgress({ io, note }: Session): (progress: PushProgress) => void {
  let toldAt = 0;
  return (progress) => {
    if (progress.kind === 'project_created') note(`project ${progress.project} created`);
    if (progress.kind === 'file') note(`${io.stderr.isTTY ? '\r\x1b[K' : ''}${renderFile(progress.file)}`);
    if (progress.kind === 'uploading' && io.stderr.isTTY && performance.now() - toldAt > 100) {
      toldAt = performance.now();
      const { file, done, bytes } = progress;
      io.stderr.write(`\r\x1b[K${printable(file)}: ${formatBytes(done)} of ${formatBytes(bytes)}`);
    }
  };
}

function renderFile({ name, bytes, outcome }: PushedFile): string {
  const said = {
    uploaded: `uploaded (${formatBytes(bytes)})`,
    would_upload: `would be uploaded (${formatBytes(bytes)})`,
    unchanged: 'is on the server already',
    kept: 'is not in the folder; the one on the server is kept',
    missing: 'is neither in the folder nor on the server: jobs that load it will fail',
  };
  return `${outcome === 'missing' ? 'warning: ' : ''}${printable(name)} ${said[outcome]}`;
}

function renderPushed({ project, version, isNew, change }: Pushed, dryRun: boolean): string {
  if (!isNew) return `${project}: unchanged, version ${version}`;
  const parts = Object.entries(change).filter(([, keys]) => keys.length > 0);
  const lines = parts.map(([what, keys]: [string, string[]]) => `  ${what}: ${renderKeys(keys)}`);
  const head = dryRun ? `${project}: would become version ${version}` : `${project}: version ${version}`;
  return [head, ...lines].join('\n');
}

function renderKeys(keys: readonly string[]): string {
  const shown = 20;
  const rest = keys.length > shown ? ` and ${count(keys.length - shown, 'more job')}` : '';
  return `${keys.slice(0, shown).join(', ')}${rest}`;
}
