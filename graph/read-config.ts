// A job's config as it is pushed. One with templates is checked as far as can be: the kind's schema has the last word on the
// values, once the job runs.
import type { KindRules } from './kinds.ts';
import { parsePart } from './parse-part.ts';
import type { ProblemList } from './problem-list.ts';
import { findOwnTemplates, findTemplates, type PlacedTemplate } from './template.ts';
import { pointer } from './zod-problems.ts';

type Config = Readonly<Record<string, unknown>>;

export interface ReadConfig {
  /** Complete, where it has no templates; else as it was written. */
  readonly config: Config;
  readonly templates: readonly PlacedTemplate[];
  /** In fields that the kind fills in itself. */
  readonly ownTemplates: readonly PlacedTemplate[];
  readonly inputs: readonly string[];
  readonly files: readonly string[];
  readonly outputs: readonly string[];
}

/** Undefined, with the problems told, where it is refused. */
export function readConfig(
  kind: KindRules,
  job: string,
  written: Config,
  problems: ProblemList,
): ReadConfig | undefined {
  const base = pointer(['jobs', job, 'config']);
  const templates = findTemplates(written, kind.ownTemplates);
  const before = problems.count;
  const config = parsePart(kind.config, written, problems, {
    base,
    code: 'JOB_CONFIG_INVALID',
    counts: ({ code, path }) =>
      code === 'unrecognized_keys' || !templates.some((at) => isWithin(at.path, path)),
  });
  for (const template of templates) {
    for (const message of template.problems) {
      problems.add(() => ({ code: 'TEMPLATE_INVALID', path: base + pointer(template.path), message }));
    }
  }
  if (problems.count > before || (config === undefined && templates.length === 0)) return undefined;
  const derived = derive(kind, job, config ?? written, base, problems);
  const ownTemplates = findOwnTemplates(written, kind.ownTemplates);
  const kept = templates.length > 0 ? written : (config ?? written);
  return derived && { config: kept, templates, ownTemplates, ...derived };
}

/** What is wrong at a template, or because of it with what holds it, is known once it is filled in. */
function isWithin(path: readonly PropertyKey[], outer: readonly PropertyKey[]): boolean {
  return outer.every((step, index) => path[index] === step);
}

function derive(
  kind: KindRules,
  job: string,
  config: Config,
  base: string,
  problems: ProblemList,
): Pick<ReadConfig, 'inputs' | 'files' | 'outputs'> | undefined {
  const refuse = (message: string) => problems.add(() => ({ code: 'TEMPLATE_INVALID', path: base, message }));
  try {
    const inputs = kind.inputs(config);
    const outputs = kind.outputs(config, job);
    const named = [...inputs, ...outputs].find(isTemplate);
    if (named === undefined) {
      return { inputs, outputs, files: kind.files(config).filter((file) => !isTemplate(file)) };
    }
    refuse(
      `the dataset ${JSON.stringify(named)} is named by a template; edges follow from datasets: write its name`,
    );
  } catch {
    refuse('which datasets it reads and writes cannot be told with a template here; write more of it out');
  }
  return undefined;
}

function isTemplate(name: string): boolean {
  return name.includes('{{');
}
