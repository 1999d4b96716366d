import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import type { FileView } from '../graph/resources.ts';
import type { Database } from './database.ts';
import { newId } from './ids.ts';
import { projectIdOf } from './projects.ts';
import type { Files, FileUpload } from './store.ts';

/** Bytes of a row of content: what one upload and one read hold in memory, whatever the size of the file. */
const chunkBytes = 1024 * 1024;

/** Content lies in the metadata database, so that any worker can read it and a replacement is one transaction. */
export function createFiles(database: Database): Files {
  const find = async (project: string, name: string) => {
    const projectId = await projectIdOf(database, project);
    return database.prisma.file.findFirst({ where: { projectId, name, completedAt: { not: null } } });
  };
  return {
    upload: (upload) => uploadFile(database, upload),
    list: async (project) => {
      const projectId = await projectIdOf(database, project);
      const where = { projectId, completedAt: { not: null } };
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
      return file ? { ...toView(file), read: () => Readable.from(readChunks(database, file.id)) } : undefined;
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
    const completedAt = new Date();
    const [, done] = await database.prisma.$transaction([
      database.prisma.file.deleteMany({ where: { projectId, name, completedAt: { not: null } } }),
      database.prisma.file.update({ where: { id: file.id }, data: { bytes, sha256, completedAt } }),
    ]);
    return toView(done);
  } catch (error) {
    await database.prisma.file.deleteMany({ where: { id: file.id, completedAt: null } }).catch(() => {});
    throw error;
  }
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

/** In one transaction of its own, so that a replacement that commits meanwhile does not cut the reader off. */
async function* readChunks(database: Database, fileId: string): AsyncGenerator<Buffer> {
  const client = await database.pool.connect();
  let broken = true;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const known = await client.query('SELECT FROM file WHERE id = $1', [fileId]);
    if (known.rowCount === 0) throw new Error('the file was replaced while it was being opened; try again');
    for (let place = 0; ; place += 1) {
      const sql = 'SELECT content FROM file_chunk WHERE file_id = $1 AND place = $2';
      const found = await client.query<{ content: Buffer }>(sql, [fileId, place]);
      const content = found.rows[0]?.content;
      if (!content) break;
      yield content;
    }
    await client.query('COMMIT');
    broken = false;
  } finally {
    client.release(broken);
  }
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
