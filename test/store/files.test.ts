import { createHash, randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);
await store.projects.create({ name: 'p', timezone: 'UTC', actor: 'test' });

async function* inParts(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < content.length; from += size) yield content.subarray(from, from + size);
}

const upload = (name: string, content: Uint8Array, more: object = {}) =>
  store.files.upload({ project: 'p', name, content: inParts(content, 70_001), actor: 'test', ...more });

async function read(name: string): Promise<Buffer> {
  const file = await store.files.open('p', name);
  return Buffer.concat((await file?.read().toArray()) ?? []);
}

describe('a file', () => {
  it('comes back as it was given, whatever its size', async () => {
    for (const size of [0, 1, 1024 * 1024, 3_500_000]) {
      const content = randomBytes(size);
      const sha256 = createHash('sha256').update(content).digest('hex');
      expect(await upload('f.csv', content)).toMatchObject({ name: 'f.csv', bytes: size, sha256 });
      expect((await read('f.csv')).equals(content)).toBe(true);
    }
    expect(await store.files.list('p')).toHaveLength(1);
  });

  it('is whole for a reader that began before it was replaced', async () => {
    const old = randomBytes(3_000_000);
    await upload('g.csv', old);
    const reader = (await store.files.open('p', 'g.csv'))?.read();
    const parts: Buffer[] = [];
    for await (const part of reader ?? []) {
      if (parts.push(part) === 1) await upload('g.csv', Buffer.from('new'));
    }
    expect(Buffer.concat(parts).equals(old)).toBe(true);
    expect((await read('g.csv')).toString()).toBe('new');
  });

  it('that is cut off, or not what was announced, leaves the older one and nothing behind', async () => {
    await upload('h.csv', Buffer.from('old'));
    await expect(upload('h.csv', Buffer.from('abc'), { expectedBytes: 4 })).rejects.toMatchObject({
      code: 'LENGTH_MISMATCH',
    });
    await expect(upload('h.csv', Buffer.from('abc'), { expectedSha256: 'ff' })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    const cut = async function* () {
      yield Buffer.from('half');
      throw new Error('connection reset');
    };
    await expect(
      store.files.upload({ project: 'p', name: 'h.csv', content: cut(), actor: 'test' }),
    ).rejects.toThrow('reset');
    expect((await read('h.csv')).toString()).toBe('old');
    expect(await sql.query('SELECT FROM file WHERE completed_at IS NULL')).toEqual([]);
  });

  it('of two uploads at once is one of the two, whole', async () => {
    const [a, b] = [randomBytes(2_000_000), randomBytes(2_000_000)];
    await Promise.all([upload('i.csv', a), upload('i.csv', b)]);
    const content = await read('i.csv');
    expect(content.equals(a) || content.equals(b)).toBe(true);
    expect((await store.files.list('p')).filter((file) => file.name === 'i.csv')).toHaveLength(1);
  });

  it('of forty uploads at once is one of them, and none fails', async () => {
    const all = Array.from({ length: 40 }, (_, index) => Buffer.from(`content ${index}`));
    await Promise.all(all.map((content) => upload('j.csv', content)));
    expect(all.map(String)).toContain((await read('j.csv')).toString());
  });

  it('is read by more readers than there are connections, and others are still answered', async () => {
    await upload('k.csv', randomBytes(3_000_000));
    const readers = await Promise.all(
      Array.from({ length: 15 }, async () =>
        (await store.files.open('p', 'k.csv'))?.read()[Symbol.asyncIterator](),
      ),
    );
    await Promise.all(readers.map((reader) => reader?.next()));
    expect(await store.projects.get('p')).toMatchObject({ name: 'p' });
    await Promise.all(readers.map((reader) => reader?.return?.()));
  });

  it('that is not there is told with what to do', async () => {
    await expect(store.files.get('p', 'nope.csv')).rejects.toMatchObject({ code: 'FILE_UNKNOWN' });
    expect(await store.files.open('p', 'nope.csv')).toBeUndefined();
    await expect(store.files.list('nobody')).rejects.toMatchObject({ code: 'PROJECT_UNKNOWN' });
  });
});
