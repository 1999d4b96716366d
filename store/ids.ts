import { hash } from 'node:crypto';
import { parse, stringify, v7, validate } from 'uuid';

/** A new id; ids made later sort later, which keeps the indexes compact. */
export function newId(): string {
  return v7();
}

export function isId(text: string): boolean {
  return validate(text);
}

/**
 * The id of a job's run within a graph run, known to all who know both: no look-up per job. The time of the graph run
 * in front, so that the runs of one graph run lie together in the index (UUID version 8, RFC 9562).
 */
export function jobRunIdOf(graphRunId: string, jobKey: string): string {
  const bytes = Uint8Array.from(hash('sha256', `${graphRunId}/${jobKey}`, 'buffer').subarray(0, 16));
  bytes.set(parse(graphRunId).subarray(0, 6), 0);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return stringify(bytes);
}
