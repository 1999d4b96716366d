import { createHash } from 'node:crypto';
import type { Database } from './database.ts';
import { newId } from './ids.ts';
import type { ApiKeys } from './store.ts';

/** Keys are random, so a plain hash is enough, and finding one by its hash leaks no timing of the key. */
export function createApiKeys(database: Database): ApiKeys {
  return {
    ensure: async ({ name, role, key }) => {
      const hash = hashOf(key);
      await database.prisma.apiKey.upsert({
        where: { name },
        create: { id: newId(), name, role, hash },
        update: { role, hash, revokedAt: null },
      });
    },
    authenticate: async (key) => {
      const found = await database.prisma.apiKey.findFirst({
        where: { hash: hashOf(key), revokedAt: null },
        select: { name: true, role: true },
      });
      return found ?? undefined;
    },
  };
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
