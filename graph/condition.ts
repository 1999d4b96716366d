// `when` of a job: a condition in CEL (cel.dev), which ends by its making and runs no code, over the run's parameters and the
// outputs of jobs above.
import { Environment } from '@marcbachmann/cel-js';
import { limits } from './limits.ts';
import type { Reference, RunValues } from './template.ts';
import { isOutOfTime, withinTime } from './within-time.ts';

export type Condition =
  | { readonly ok: true; readonly references: readonly Reference[] }
  | { readonly ok: false; readonly message: string };

const environment = new Environment({
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: {
    maxAstNodes: 1_000,
    maxDepth: 50,
    maxListElements: 1_000,
    maxMapEntries: 100,
    maxCallArguments: 32,
  },
})
  .registerVariable('params', 'map')
  .registerVariable('outputs', 'map');

const evaluateMaxMs = 1_000;

/** Checks its syntax and its types, as far as they are known, and finds what it asks for. */
export function parseCondition(text: string): Condition {
  if (text.length > limits.conditionChars) {
    return { ok: false, message: `${text.length} characters; the limit is ${limits.conditionChars}` };
  }
  try {
    const parsed = environment.parse(text);
    const { valid, type, error } = parsed.check();
    if (!valid) return { ok: false, message: messageOf(error) };
    if (type !== 'bool' && type !== 'dyn') {
      return { ok: false, message: `expected a condition, true or false; this is of the type ${type}` };
    }
    const references: Reference[] = [];
    const isKnown = findReferences(parsed.ast, references);
    if (isKnown) return { ok: true, references };
    return { ok: false, message: 'expected "outputs" with the key of a job, such as outputs.load.rows' };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

/**
 * Whether a condition is met. A job above that has no output stands there with an empty one.
 * @throws Error where it cannot be told: a value is missing, or of another type than is asked for
 */
export function isMet(text: string, references: readonly Reference[], values: RunValues): boolean {
  const jobs = references.filter(({ from }) => from === 'outputs').map(({ name }) => name);
  const outputs = Object.fromEntries(jobs.map((job) => [job, values.outputs[job] ?? {}]));
  const context = { params: toCel(values.params), outputs: toCel(outputs) };
  const answer = evaluate(text, context);
  if (typeof answer === 'boolean') return answer;
  throw new Error(`it gave no true or false, but a value of the type ${typeof answer}`);
}

function evaluate(text: string, context: Readonly<Record<string, unknown>>): unknown {
  try {
    return withinTime(evaluateMaxMs, () => environment.evaluate(text, context));
  } catch (error) {
    if (isOutOfTime(error)) throw new Error(`it took longer than ${evaluateMaxMs} ms`);
    throw new Error(messageOf(error));
  }
}

/** False where it asks for outputs without saying of which job. */
function findReferences(node: unknown, found: Reference[]): boolean {
  if (Array.isArray(node)) return node.every((item) => findReferences(item, found));
  if (!isNode(node)) return true;
  const { op, args } = node;
  if (op === 'id') return args !== 'outputs';
  const [object, step] = Array.isArray(args) ? args : [];
  if (isNode(object) && object.op === 'id' && (object.args === 'outputs' || object.args === 'params')) {
    const name = isNode(step) && step.op === 'value' ? step.args : step;
    const isStep = op === '.' || op === '.?' || op === '[]' || op === '[?]';
    if (isStep && typeof name === 'string') {
      found.push({ from: object.args, name, path: [], text: `${object.args}.${name}` });
      return true;
    }
  }
  return findReferences(args, found);
}

function isNode(value: unknown): value is { readonly op: string; readonly args: unknown } {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

/** Whole numbers are CEL's integers: `rows / 2` and `year + 1` are then what they look like. */
function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, toCel(item)]));
}

/** What follows the first line shows the place in the text. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trimEnd();
}
