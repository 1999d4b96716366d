import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Client, GraphrunError, type PushedGraph } from '../client/index.ts';
import { UsageError } from './exit-codes.ts';

export interface PushOptions {
  readonly client: Pick<Client, 'projects' | 'graphs' | 'files'>;
  /** As it was read; the server checks it. */
  readonly definition: unknown;
  /** Where the files of `upload` jobs are looked for. */
  readonly filesDir: string;
  /** Stores nothing, and tells what would be. */
  readonly dryRun?: boolean | undefined;
  /** Whether a project that is not there is made; it is unless told. */
  readonly createProject?: boolean | undefined;
  readonly onProgress?: ((progress: PushProgress) => void) | undefined;
}

export type PushProgress =
  | { readonly kind: 'project_created'; readonly project: string }
  | { readonly kind: 'graph_pushed'; readonly project: string; readonly pushed: PushedGraph }
  | { readonly kind: 'uploading'; readonly file: string; readonly done: number; readonly bytes: number }
  | { readonly kind: 'file'; readonly file: PushedFile };

export interface PushedFile {
  readonly name: string;
  readonly bytes: number;
  /**
   * `unchanged`: the server has the same content. `kept`: it is not in the folder, and an earlier one is on the server.
   * `missing`: neither has it, so its jobs will fail.
   */
  readonly outcome: 'uploaded' | 'would_upload' | 'unchanged' | 'kept' | 'missing';
}

export interface Pushed extends PushedGraph {
  readonly project: string;
  readonly projectIsNew: boolean;
  readonly files: readonly PushedFile[];
}

/**
 * Makes a definition the current graph of its project, and uploads the files of its `upload` jobs that the server does
 * not have yet. A definition that is refused changes nothing, and makes no project either.
 * @throws GraphrunError, ServerUnreachable, UsageError
 */
export async function pushGraph(options: PushOptions): Promise<Pushed> {
  const project = projectOf(options.definition);
  const { projectIsNew, ...pushed } = await pushDefinition(project, options);
  options.onProgress?.({ kind: 'graph_pushed', project, pushed });
  const names = filesOf(options.definition);
  const there =
    names.length === 0 || (projectIsNew && options.dryRun) ? [] : await options.client.files.list(project);
  const files: PushedFile[] = [];
  for (const name of names) {
    const file = await pushFile(
      project,
      name,
      there.find((known) => known.name === name),
      options,
    );
    options.onProgress?.({ kind: 'file', file });
    files.push(file);
  }
  return { project, projectIsNew, ...pushed, files };
}

/** The graph goes first: a server that refuses it has not been given a project. */
async function pushDefinition(
  project: string,
  options: PushOptions,
): Promise<PushedGraph & { projectIsNew: boolean }> {
  const { client, definition, dryRun } = options;
  const push = () => client.graphs.push(project, definition, { dryRun });
  try {
    return { ...(await push()), projectIsNew: false };
  } catch (error) {
    const isMissing = error instanceof GraphrunError && error.code === 'PROJECT_UNKNOWN';
    if (!isMissing || options.createProject === false) throw error;
  }
  if (dryRun) {
    const change = { added: Object.keys(jobsOf(definition)), removed: [], changed: [] };
    return { version: 1, isNew: true, change, projectIsNew: true };
  }
  const projectIsNew = await createProject(client, project, definition);
  if (projectIsNew) options.onProgress?.({ kind: 'project_created', project });
  return { ...(await push()), projectIsNew };
}

async function createProject(
  client: PushOptions['client'],
  name: string,
  definition: unknown,
): Promise<boolean> {
  const timezone = property(definition, 'timezone');
  try {
    await client.projects.create({ name, ...(typeof timezone === 'string' && { timezone }) });
    return true;
  } catch (error) {
    if (error instanceof GraphrunError && error.code === 'PROJECT_EXISTS') return false;
    throw error;
  }
}

async function pushFile(
  project: string,
  name: string,
  there: { readonly bytes: number; readonly sha256: string } | undefined,
  { client, filesDir, dryRun, onProgress }: PushOptions,
): Promise<PushedFile> {
  const path = join(filesDir, basename(name));
  const bytes = await sizeOf(path);
  if (bytes === undefined) return { name, bytes: there?.bytes ?? 0, outcome: there ? 'kept' : 'missing' };
  const sha256 = await hashOf(path);
  if (there?.sha256 === sha256) return { name, bytes, outcome: 'unchanged' };
  if (dryRun) return { name, bytes, outcome: 'would_upload' };
  const content = readTold(path, (done) => onProgress?.({ kind: 'uploading', file: name, done, bytes }));
  await client.files.upload(project, name, content, { sha256, bytes });
  return { name, bytes, outcome: 'uploaded' };
}

async function* readTold(path: string, tell: (done: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    done += chunk.length;
    yield chunk;
    tell(done);
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

function projectOf(definition: unknown): string {
  const project = property(definition, 'project');
  if (typeof project === 'string' && project !== '') return project;
  throw new UsageError(
    'The definition names no project: it needs "project" at its top, such as "project": "flights".',
  );
}

function jobsOf(definition: unknown): object {
  const jobs = property(definition, 'jobs');
  return typeof jobs === 'object' && jobs !== null ? jobs : {};
}

/** A file that is named by parameters is the one that their defaults name; undefined where these do not tell. */
function withDefaults(definition: unknown, file: unknown): unknown {
  if (typeof file !== 'string') return undefined;
  const named = file.replaceAll(/\{\{\s*params\.(\w+)\s*\}\}/g, (marker, name: string) => {
    const value = property(property(property(definition, 'params'), name), 'default');
    return typeof value === 'string' || typeof value === 'number' ? String(value) : marker;
  });
  return named.includes('{{') ? undefined : named;
}

/** Names of the files that `upload` jobs load, each once. */
function filesOf(definition: unknown): string[] {
  const names = Object.values(jobsOf(definition)).flatMap((job: unknown) => {
    const file = withDefaults(definition, property(property(job, 'config'), 'file'));
    return property(job, 'kind') === 'upload' && typeof file === 'string' ? [file] : [];
  });
  return [...new Set(names)];
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
