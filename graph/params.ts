// Parameters: what a graph declares of them, and what a run is given. Each has a JSON Schema (2020-12) of its own; one
// without a default must be given.
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Problem } from './errors.ts';
import type { Graph, ParamSchema, Params } from './graph.ts';
import { limits } from './limits.ts';
import { paramNamePattern } from './names.ts';
import type { ProblemList } from './problem-list.ts';
import { isOutOfTime, withinTime } from './within-time.ts';
import { pointer } from './zod-problems.ts';

type Validators = ReadonlyMap<string, ValidateFunction>;

/** Kept for as long as the graph is. */
const validatorsOf = new WeakMap<Graph, Validators>();

const checkMaxMs = 1_000;

/** Finds what is wrong with declared parameters: their names, their schemas, their defaults. */
export function checkParamSchemas(
  params: Readonly<Record<string, ParamSchema>>,
  problems: ProblemList,
): void {
  const names = Object.keys(params);
  if (names.length > limits.paramsPerGraph) {
    const message = `${names.length} parameters; the limit is ${limits.paramsPerGraph}`;
    problems.add(() => ({ code: 'LIMIT_EXCEEDED', path: '/params', message }));
    return;
  }
  const ajv = createAjv();
  for (const name of names) checkParamSchema(ajv, name, params[name] as ParamSchema, problems);
}

function checkParamSchema(ajv: Ajv2020, name: string, schema: ParamSchema, problems: ProblemList): void {
  const path = pointer(['params', name]);
  const refuse = (code: Problem['code'], message: string) => problems.add(() => ({ code, path, message }));
  if (!paramNamePattern.test(name)) {
    const shown = name.slice(0, 100);
    refuse(
      'NAME_INVALID',
      `"${shown}" is no parameter's name: expected a letter, then up to 62 of A-Z, a-z, 0-9 and _`,
    );
  }
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > limits.paramSchemaBytes) {
    refuse('LIMIT_EXCEEDED', `${bytes} bytes of JSON Schema; the limit is ${limits.paramSchemaBytes}`);
    return;
  }
  try {
    const validator = compile(ajv, schema);
    if (!('default' in schema)) return;
    const atDefault = (at: readonly PropertyKey[]) => pointer(['params', name, 'default', ...at]);
    for (const problem of problemsOf(
      validator,
      structuredClone(schema.default),
      'PARAM_SCHEMA_INVALID',
      atDefault,
    )) {
      problems.add(() => problem);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    refuse('PARAM_SCHEMA_INVALID', `not a JSON Schema that can be used: ${why.slice(0, 500)}`);
  }
}

export type FilledParams =
  | { readonly ok: true; readonly params: Params }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The parameters of a run: those given, checked, and the defaults of the others. Finds all problems at once. */
export function fillParams(graph: Graph, given: Params): FilledParams {
  const declared = graph.params ?? {};
  const problems: Problem[] = Object.keys(given)
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => unknownParam(name, declared));
  const validators = findValidators(graph);
  const filled = Object.entries(declared).flatMap(([name, schema]): [string, unknown][] => {
    const isGiven = Object.hasOwn(given, name);
    if (!isGiven && !('default' in schema)) problems.push(missingParam(name));
    if (!isGiven && !('default' in schema)) return [];
    const value: unknown = structuredClone(isGiven ? given[name] : schema.default);
    const at = (path: readonly PropertyKey[]) => pointer(['params', name, ...path]);
    const validator = validators.get(name);
    if (validator) problems.push(...problemsOf(validator, value, 'PARAM_INVALID', at));
    return [[name, value]];
  });
  const params: Params = Object.fromEntries(filled);
  const bytes = Buffer.byteLength(JSON.stringify(params));
  if (bytes > limits.paramsBytes) {
    const message = `${bytes} bytes of parameters as JSON; the limit is ${limits.paramsBytes}`;
    problems.push({ code: 'LIMIT_EXCEEDED', path: '/params', message });
  }
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, limits.problemsShown) };
  return { ok: true, params };
}

function unknownParam(name: string, declared: Readonly<Record<string, ParamSchema>>): Problem {
  const known = Object.keys(declared).join(', ');
  const message = `the graph declares no parameter "${name.slice(0, 100)}"${known && `; it has ${known}`}`;
  return { code: 'PARAM_UNKNOWN', path: pointer(['params', name]), message };
}

function missingParam(name: string): Problem {
  const message = `the parameter "${name}" has no default and was not given`;
  return { code: 'PARAM_MISSING', path: pointer(['params', name]), message };
}

/** Strict, so that slips in a schema are found; defaults inside of objects are filled in as well. */
function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    allowUnionTypes: true,
    useDefaults: true,
    addUsedSchema: false,
    logger: false,
  });
  addFormats.default(ajv);
  return ajv;
}

/** Without its own default, which is for who fills it in: ajv refuses one that it would ignore. */
function compile(ajv: Ajv2020, { default: _, ...schema }: ParamSchema): ValidateFunction {
  return ajv.compile(schema);
}

function findValidators(graph: Graph): Validators {
  const known = validatorsOf.get(graph);
  if (known) return known;
  const declared = Object.entries(graph.params ?? {});
  const ajv = declared.length > 0 ? createAjv() : undefined;
  const validators = new Map(
    declared.flatMap(([name, schema]) => (ajv ? [[name, compile(ajv, schema)] as const] : [])),
  );
  validatorsOf.set(graph, validators);
  return validators;
}

/** Fills defaults into the value as it looks. */
function problemsOf(
  validator: ValidateFunction,
  value: unknown,
  code: Problem['code'],
  at: (path: readonly PropertyKey[]) => string,
): Problem[] {
  try {
    if (withinTime(checkMaxMs, () => validator(value))) return [];
  } catch (error) {
    if (!isOutOfTime(error)) throw error;
    return [
      { code, path: at([]), message: `could not be checked within ${checkMaxMs} ms: mind its "pattern"` },
    ];
  }
  return (validator.errors ?? []).map((error) => ({ code, path: at(placeOf(error)), message: tell(error) }));
}

function placeOf({ instancePath }: ErrorObject): string[] {
  const steps = instancePath.split('/').slice(1);
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function tell({ message = 'is not valid', keyword, params }: ErrorObject): string {
  if (keyword === 'enum') return `${message}: ${JSON.stringify(params.allowedValues).slice(0, 300)}`;
  if (keyword === 'const') return `${message}: ${JSON.stringify(params.allowedValue).slice(0, 300)}`;
  if (keyword === 'additionalProperties') return `${message}: "${String(params.additionalProperty)}"`;
  return message;
}
