import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type Logger, type WorkflowBundlePath } from '@temporalio/worker';

const root = new URL('../', import.meta.url);
const cache = new URL('node_modules/.cache/graphrun/', root);
/** What the bundle is made of. */
const sources = ['workflows/', 'graph/', 'package-lock.json'];

/** The workflows' bundle, built once for the sources as they are and kept: building costs half a worker's start. */
export async function loadWorkflowBundle(logger: Logger): Promise<WorkflowBundlePath> {
  const file = new URL(`workflows-${await hashSources()}.js`, cache);
  const codePath = fileURLToPath(file);
  if (await exists(file)) return { codePath };
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('workflows/index.ts', root)),
    logger,
  });
  await mkdir(cache, { recursive: true });
  // Renamed into place: a worker that starts beside this one sees all of it or nothing.
  const part = new URL(`workflows-${process.pid}.part`, cache);
  await writeFile(part, code);
  await rename(part, file);
  return { codePath };
}

async function hashSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const source of sources) {
    for (const file of await listFiles(source))
      hash.update(`${file}\n`).update(await readFile(new URL(file, root)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function listFiles(source: string): Promise<string[]> {
  if (!source.endsWith('/')) return [source];
  const names = await readdir(new URL(source, root), { recursive: true });
  return names
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => source + name);
}

async function exists(file: URL): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
