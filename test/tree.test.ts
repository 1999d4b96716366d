// Rules of the tree that the linter cannot say; the table of who may import whom is in biome.json.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const linesMax = 300;
const functionLinesMax = 70;

/** Files of graph/ that hold schemas; all others stay free of zod, since workflows bundle them. */
const schemaFiles = [
  'graph/definition.ts',
  'graph/environment.ts',
  'graph/inspections.ts',
  'graph/requests.ts',
  'graph/pools.ts',
  'graph/resources.ts',
  'graph/run-inputs.ts',
  'graph/schedules/backfills.ts',
  'graph/schedules/definition.ts',
  'graph/schedules/resources.ts',
  'graph/schedules/simulations.ts',
  'graph/validate.ts',
];

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.mjs'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '');

function importsOf(
  file: string,
): { readonly statement: string; readonly from: string; readonly isType: boolean }[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^(import|export)\s[^;]*?from '([^']+)';/gms)].map(([statement, , from = '']) => ({
    statement,
    from,
    isType: /^(import|export) type\b/.test(statement),
  }));
}

const inFolder = (folder: string) => files.filter((file) => file.startsWith(`${folder}/`));

describe('the tree', () => {
  it('has files', () => {
    expect(inFolder('graph').length).toBeGreaterThan(10);
  });

  it.each(files)('%s is short enough to read', (file) => {
    expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThanOrEqual(linesMax);
  });

  it.each(files.filter((file) => !file.startsWith('test/')))('%s has no function over the limit', (file) => {
    const lines = readFileSync(file, 'utf8').split('\n');
    const long = lines.flatMap((line, start) => {
      if (!/^(export )?(default )?(async )?function\b/.test(line)) return [];
      const length = lines.slice(start).indexOf('}') + 1;
      return length > functionLinesMax ? [`${line} has ${length} lines`] : [];
    });
    expect(long).toEqual([]);
  });

  it('imports zod in the schema files of graph/ only, elsewhere as a type', () => {
    const offenders = inFolder('graph').filter(
      (file) =>
        !schemaFiles.includes(file) && importsOf(file).some(({ from, isType }) => from === 'zod' && !isType),
    );
    expect(offenders).toEqual([]);
  });

  it('bundles no schema file into workflows, and no package but those of Temporal', () => {
    const reached = new Set<string>();
    const packages = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const { from, isType } of importsOf(file)) {
        if (isType) continue;
        if (from.startsWith('.')) visit(new URL(from, `file:///${file}`).pathname.slice(1));
        else packages.add(from);
      }
    };
    visit('workflows/index.ts');
    expect([...reached]).toContain('graph/planner.ts');
    expect([...reached].filter((file) => schemaFiles.includes(file))).toEqual([]);
    expect([...reached].filter((file) => !/^(workflows|graph)\//.test(file))).toEqual([]);
    expect([...packages]).toEqual(['@temporalio/workflow']);
  });

  it.each([
    ['workflows', /\/(activities|store)\//],
    ['client', /\/graph\//],
    ['warehouse', /\/store\//],
  ])('%s imports from %s as types only', (folder, from) => {
    const offenders = inFolder(folder).flatMap((file) =>
      importsOf(file).flatMap((found) =>
        from.test(found.from) && !found.isType ? [`${file}: ${found.from}`] : [],
      ),
    );
    expect(offenders).toEqual([]);
  });

  it('keeps Prisma inside the store', () => {
    const outside = files.filter((file) => !/^(store|test|dev|prisma)/.test(file));
    const offenders = outside.filter((file) =>
      importsOf(file).some(({ from }) => /prisma|generated/.test(from)),
    );
    expect(offenders).toEqual([]);
  });
});
