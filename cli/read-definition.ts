import { readFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { UsageError } from './exit-codes.ts';

/** A definition as it stands in its file. */
export interface ReadDefinition {
  readonly value: unknown;
  /** `line:column` of what a JSON pointer points at; undefined where the file does not tell. */
  placeOf(pointer: string): string | undefined;
}

/**
 * Reads a graph from TypeScript or JavaScript (its default export), JSON or YAML.
 * @throws UsageError that says where the file cannot be read
 */
export async function readDefinition(path: string): Promise<ReadDefinition> {
  const extension = extname(path);
  if (['.ts', '.mts', '.js', '.mjs'].includes(extension))
    return { value: await importDefault(path), placeOf: () => undefined };
  if (['.json', '.yaml', '.yml'].includes(extension))
    return readText(path, await readFile(path, 'utf8').catch(unreadable(path)));
  throw new UsageError(`${path}: expected a file that ends in .ts, .js, .mjs, .json, .yaml or .yml.`);
}

async function importDefault(path: string): Promise<unknown> {
  const { default: graph } = await importModule(path);
  if (typeof graph === 'object' && graph !== null) return graph;
  throw new UsageError(
    `${path}: expected "export default defineGraph({ ... })"; it exports no graph as its default.`,
  );
}

/** What a graph may import from anywhere, be this package installed there or not. */
const ownModules: Readonly<Record<string, string>> = {
  graphrun: new URL('../graphrun.ts', import.meta.url).href,
  'graphrun/client': new URL('../client/index.ts', import.meta.url).href,
};

async function importModule(path: string): Promise<Record<string, unknown>> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const url = ownModules[specifier];
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
  });
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw new UsageError(`${placeInCode(error) ?? path}  ${reasonOf(error)}`, { cause: error });
  } finally {
    hooks.deregister();
  }
}

/** `file:line` or `file:line:column` of the first line of the stack that is in a file. */
function placeInCode(error: unknown): string | undefined {
  // What is not there to be imported has no line: its stack is that of the import here.
  const message = error instanceof Error ? error.message : '';
  const [, importer] = / imported from (\/.+)$/m.exec(message) ?? [];
  if (importer !== undefined) return importer;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const [, place] = /(?:file:\/\/|\(|at |^)(\/[^\n()]+?:\d+(?::\d+)?)(?=\)|\s|$)/m.exec(stack) ?? [];
  return place === undefined ? undefined : decodeURI(place);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message.split('\n', 1)[0]}` : String(error);
}

/** JSON is read as YAML too: with the places of its parts, and with duplicate keys found. */
function readText(path: string, text: string): ReadDefinition {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => `${path}:${show(lines, error.pos[0])}  ${error.message}`);
    throw new UsageError(`The file cannot be read:\n${problems.join('\n')}`);
  }
  return { value: toValue(path, document), placeOf: (pointer) => placeOf(document, lines, pointer) };
}

function toValue(path: string, document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Of the key where the pointer ends at one, or of the nearest part above that is there. */
function placeOf(document: Document, lines: LineCounter, pointer: string): string | undefined {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const part of pointer.split('/').slice(1).map(unescapePart)) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (!pair) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0];
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (!isNode(node)) break;
      offset = node.range?.[0];
    } else break;
  }
  return offset === undefined ? undefined : show(lines, offset);
}

function show(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${line}:${col}`;
}

function unescapePart(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

function unreadable(path: string): (error: unknown) => never {
  return (error) => {
    throw new UsageError(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  };
}
