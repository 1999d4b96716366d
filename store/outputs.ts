import { createHash } from 'node:crypto';
import type { RecordedOutput } from '../graph/transitions.ts';

/** An output's JSON as it is recorded; verify compares the hash with the one in Temporal's history. */
export function recordOutput(text: string): RecordedOutput {
  return {
    text,
    bytes: Buffer.byteLength(text),
    hash: createHash('sha256').update(text).digest('hex'),
  };
}
