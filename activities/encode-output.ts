import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import type { RecordedOutput } from '../graph/transitions.ts';
import { recordOutput } from '../store/index.ts';

/**
 * The output as it will be stored and sent. Encoded here, before SUCCESS is written: what fails to encode later would
 * fail for ever, behind a row that says SUCCESS.
 * @throws CodedError OUTPUT_INVALID, OUTPUT_TOO_LARGE
 */
export function encodeOutput(job: string, output: unknown): RecordedOutput | null {
  if (output === undefined) return null;
  const recorded = recordOutput(toText(job, output));
  const { bytes } = recorded;
  if (bytes > limits.outputBytes) {
    const message = `The output of job "${job}" has ${bytes} bytes as JSON; the limit is ${limits.outputBytes}. Write data to the warehouse and return a summary.`;
    throw new CodedError('OUTPUT_TOO_LARGE', message, { data: { bytes, limit: limits.outputBytes } });
  }
  return recorded;
}

function toText(job: string, output: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(output);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CodedError('OUTPUT_INVALID', `The output of job "${job}" is not JSON: ${why}.`, {
      cause: error,
    });
  }
  if (text === undefined) {
    throw new CodedError(
      'OUTPUT_INVALID',
      `The output of job "${job}" is a ${typeof output}, which is not JSON.`,
    );
  }
  return text;
}
