import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';

export interface Upload {
  readonly content: AsyncIterable<Uint8Array>;
  readonly expectedBytes: number | undefined;
  readonly expectedSha256: string | undefined;
}

/**
 * Reads what an upload says of itself before any of its bytes.
 * @throws CodedError BODY_TOO_LARGE, MEDIA_TYPE_UNSUPPORTED, REQUEST_INVALID
 */
export function readUpload(headers: IncomingHttpHeaders, body: Readable | null): Upload {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') {
    throw new CodedError(
      'MEDIA_TYPE_UNSUPPORTED',
      `Content-Encoding ${coding} is not read here; send the file as it is.`,
    );
  }
  if (headers['content-range'] !== undefined) {
    throw new CodedError('REQUEST_INVALID', 'Content-Range is not read here; send the whole file.');
  }
  const expectedBytes =
    headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  if (expectedBytes !== undefined && expectedBytes > limits.fileBytes) {
    throw new CodedError(
      'BODY_TOO_LARGE',
      `The file has ${expectedBytes} bytes; the limit is ${limits.fileBytes}.`,
    );
  }
  return { content: readBody(body), expectedBytes, expectedSha256: readDigest(headers) };
}

/** A caller that goes away is not to be taken for a database that does. */
async function* readBody(body: Readable | null): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw new CodedError('LENGTH_MISMATCH', `The upload broke off after ${bytes} bytes.`, { cause: error });
  }
}

/** Content-Digest (RFC 9530), or the older Digest; algorithms other than sha-256 are passed over, as the RFC says. */
function readDigest(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['content-digest'] ?? headers.digest;
  const digests = [given ?? ''].flat().join(',').split(',');
  const sha256 = digests.map((digest) => digest.trim()).find((digest) => /^sha-256=/i.test(digest));
  if (sha256 === undefined) return undefined;
  const base64 = /^sha-256=:?([A-Za-z0-9+/]{43}=):?$/i.exec(sha256)?.[1];
  if (base64 !== undefined) return Buffer.from(base64, 'base64').toString('hex');
  const message = 'The digest is not of the form sha-256=:<32 bytes in base64>:';
  throw new CodedError('REQUEST_INVALID', `${message}; read ${JSON.stringify(sha256.slice(0, 100))}.`);
}
