import type { FileView, Page } from '../graph/resources.ts';
import type { Http, RequestBody } from './http.ts';

/** What can be uploaded. A Blob may stand for a file on disk (`openAsBlob` of node:fs), which is then streamed. */
export type UploadContent =
  | Blob
  | Uint8Array<ArrayBuffer>
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

export interface UploadOptions {
  /** Hex. The server refuses content that does not match it. */
  readonly sha256?: string | undefined;
  /** Of a stream whose length is known: the server refuses one of another length. */
  readonly bytes?: number | undefined;
}

export function createFiles(http: Http) {
  const path = (project: string) => ['v1', 'projects', project, 'files'];
  return {
    /** Streams a file in; it takes the place of an older one of its name only once it is whole. */
    upload: (project: string, name: string, content: UploadContent, { sha256, bytes }: UploadOptions = {}) =>
      http.request<FileView>({
        method: 'PUT',
        path: [...path(project), name],
        body: toBody(content),
        headers: {
          'content-type': 'application/octet-stream',
          ...(sha256 !== undefined && { 'content-digest': contentDigest(sha256) }),
          ...(bytes !== undefined && { 'content-length': String(bytes) }),
        },
      }),
    list: async (project: string) =>
      (await http.request<Page<FileView>>({ method: 'GET', path: path(project) })).items,
    get: (project: string, name: string) =>
      http.request<FileView>({ method: 'GET', path: [...path(project), name] }),
  };
}

function toBody(content: UploadContent): RequestBody {
  if (content instanceof Blob || content instanceof Uint8Array || content instanceof ReadableStream)
    return content;
  return ReadableStream.from(content);
}

/** As RFC 9530 writes it. */
function contentDigest(sha256: string): string {
  const bytes = sha256.match(/../g) ?? [];
  return `sha-256=:${btoa(bytes.map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join(''))}:`;
}
