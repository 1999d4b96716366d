import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import type { FileView } from '../graph/resources.ts';
import type { Database } from './database.ts';
import { newId } from './ids.ts';
import { projectIdOf } from './projects.ts';

export interface FileUpload {
  readonly project: string;
  readonly name: string;
  readonly content: AsyncIterable<Uint8Array>;
  readonly actor: string;
  /** In bytes, from Content-Length; content of another length is refused. */
  readonly expectedBytes?: number | undefined;
  /** Hex; content with another digest is refused. */
  readonly expectedSha256?: string | undefined;
}

export interface Files {
  /**
   * Streams a file in; it takes the place of an older one of its name only once it is whole.
   * @throws CodedError PROJECT_UNKNOWN, LENGTH_MISMATCH, DIGEST_MISMATCH, BODY_TOO_LARGE
   */
  upload(upload: FileUpload): Promise<FileView>;
  /** @throws CodedError PROJECT_UNKNOWN */
  list(project: string): Promise<FileView[]>;
  /** @throws CodedError PROJECT_UNKNOWN, FILE_UNKNOWN */
  get(project: string, name: string): Promise<FileView>;
  /** Opens the newest complete file of a name; `read` streams one snapshot of it, also while it is replaced. */
  open(project: string, name: string): Promise<(FileView & { read(): Readable }) | undefined>;
}

/** Bytes of a row of content: what one upload and one read hold in memory, whatever the size of the file. */
const chunkBytes = 1024 * 1024;
/** What was replaced, or never became whole, is removed after this, at the project's next upload. */
const keptFor = '1 day';

const latest = { completedAt: { not: null }, replacedAt: null } as const;

/** Content lies in the metadata database, so that any worker can read it and a replacement is one transaction. */
export function createFiles(database: Database): Files {
  const find = async (project: string, name: string) => {
    const projectId = await projectIdOf(database, project);
    return database.prisma.file.findFirst({ where: { projectId, name, ...latest } });
  };
  return {
    upload: (upload) => uploadFile(database, upload),
    list: async (project) => {
      const projectId = await projectIdOf(database, project);
      const where = { projectId, ...latest };
      return (await database.prisma.file.findMany({ where, orderBy: { name: 'asc' } })).map(toView);
    },
    get: async (project, name) => {
      const file = await find(project, name);
      if (!file)
        throw new CodedError(
          'FILE_UNKNOWN',
          `Project "${project}" has no file "${name}"; upload it with graphrun push.`,
        );
      return toView(file);
    },
    open: async (project, name) => {
      const file = await find(project, name);
      return file ? { ...toView(file), read: () => Readable.from(readChunks(database, file)) } : undefined;
    },
  };
}

async function uploadFile(database: Database, upload: FileUpload): Promise<FileView> {
  const { project, name, actor } = upload;
  const projectId = await projectIdOf(database, project);
  const file = await database.prisma.file.create({
    data: { id: newId(), projectId, name, createdBy: actor },
  });
  try {
    const { bytes, sha256 } = await writeChunks(database, file.id, upload.content);
    checkWhole(upload, bytes, sha256);
    return await replaceFile(database, { id: file.id, projectId, name, bytes, sha256 });
  } catch (error) {
    await database.prisma.file.deleteMany({ where: { id: file.id, completedAt: null } }).catch(() => {});
    throw error;
  }
}

/** Of two uploads of one name at once, the one that ends later stays. */
async function replaceFile(
  database: Database,
  file: { id: string; projectId: string; name: string; bytes: number; sha256: string },
): Promise<FileView> {
  const { id, projectId, name, bytes, sha256 } = file;
  await database.transaction(async (client) => {
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `file ${projectId} ${name}`,
    ]);
    await client.query(
      `UPDATE file SET replaced_at = now()
       WHERE project_id = $1 AND name = $2 AND completed_at IS NOT NULL AND replaced_at IS NULL`,
      [projectId, name],
    );
    await client.query('UPDATE file SET bytes = $2, sha256 = $3, completed_at = now() WHERE id = $1', [
      id,
      bytes,
      sha256,
    ]);
    await client.query(
      `DELETE FROM file WHERE project_id = $1
         AND (replaced_at < now() - $2::interval OR (completed_at IS NULL AND created_at < now() - $2::interval))`,
      [projectId, keptFor],
    );
  });
  return toView(await database.prisma.file.findUniqueOrThrow({ where: { id } }));
}

async function writeChunks(database: Database, fileId: string, content: AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256');
  let bytes = 0;
  let place = 0;
  for await (const chunk of cutEvenly(content)) {
    bytes += chunk.byteLength;
    if (bytes > limits.fileBytes) {
      throw new CodedError('BODY_TOO_LARGE', `The file is larger than ${limits.fileBytes} bytes.`);
    }
    hash.update(chunk);
    await database.pool.query('INSERT INTO file_chunk (file_id, place, content) VALUES ($1, $2, $3)', [
      fileId,
      place,
      chunk,
    ]);
    place += 1;
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function* cutEvenly(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of content) {
    for (let from = 0; from < part.byteLength; ) {
      const piece = part.subarray(from, from + chunkBytes - size);
      parts.push(piece);
      size += piece.byteLength;
      from += piece.byteLength;
      if (size === chunkBytes) {
        yield Buffer.concat(parts);
        parts = [];
        size = 0;
      }
    }
  }
  if (size > 0) yield Buffer.concat(parts);
}

function checkWhole(upload: FileUpload, bytes: number, sha256: string): void {
  const { expectedBytes, expectedSha256 } = upload;
  if (expectedBytes !== undefined && expectedBytes !== bytes) {
    throw new CodedError(
      'LENGTH_MISMATCH',
      `${bytes} bytes came of the ${expectedBytes} that were announced; send the file again.`,
    );
  }
  if (expectedSha256 !== undefined && expectedSha256.toLowerCase() !== sha256) {
    throw new CodedError(
      'DIGEST_MISMATCH',
      `The SHA-256 of what came is ${sha256}, not ${expectedSha256}; send the file again.`,
    );
  }
}

/**
 * Chunk by chunk, so that a slow reader holds no connection. A file that is replaced meanwhile stays for a day.
 * @throws Error when it is not all there; another attempt reads the newer one.
 */
async function* readChunks(
  database: Database,
  file: { id: string; bytes: bigint; name: string },
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for (let place = 0; ; place += 1) {
    const sql = 'SELECT content FROM file_chunk WHERE file_id = $1 AND place = $2';
    const found = await database.pool.query<{ content: Buffer }>(sql, [file.id, place]);
    const content = found.rows[0]?.content;
    if (!content) break;
    bytes += content.byteLength;
    yield content;
  }
  if (bytes === Number(file.bytes)) return;
  throw new Error(`file "${file.name}" was replaced and removed while it was read; try again`);
}

function toView(file: {
  name: string;
  bytes: bigint;
  sha256: string | null;
  createdAt: Date;
  createdBy: string;
}): FileView {
  return {
    name: file.name,
    bytes: Number(file.bytes),
    sha256: file.sha256 ?? '',
    createdAt: file.createdAt.toISOString(),
    createdBy: file.createdBy,
  };
}
