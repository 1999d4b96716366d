import { UsageError } from './exit-codes.ts';

/** Values of `--param`. @throws UsageError */
export function readParams(given: readonly string[]): Record<string, unknown> {
  const params = new Map<string, unknown>();
  for (const text of given) {
    const at = text.indexOf('=');
    const name = text.slice(0, at);
    if (at < 1) throw new UsageError(`--param ${text}: expected name=value, such as --param year=2001.`);
    if (params.has(name)) throw new UsageError(`--param ${name} is given twice.`);
    params.set(name, readValue(text.slice(at + 1)));
  }
  return Object.fromEntries(params);
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
