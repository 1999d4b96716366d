import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Database } from './database.ts';
import { newId } from './ids.ts';
import type { ApiKeyHolder, Role } from './store.ts';

/** A revoked key is refused after at most this. */
const keptMs = 3_000;
const keptMax = 1_000;

/** Keys are random, so a plain hash is enough, and finding one by its hash leaks no timing of the key. */
export interface ApiKeys {
  /** Makes the key known if it is not; an existing one of this name gets the key and role. */
  ensure(key: { name: string; role: Role; key: string }): Promise<void>;
  /** The holder of a key, or undefined for an unknown or revoked one. */
  authenticate(key: string): Promise<ApiKeyHolder | undefined>;
}

export function createApiKeys(database: Database): ApiKeys {
  const find = async (hash: string): Promise<ApiKeyHolder | undefined> => {
    const found = await database.prisma.apiKey.findFirst({
      where: { hash, revokedAt: null },
      select: { name: true, role: true },
    });
    return found ?? undefined;
  };
  // Requests that come at once share one look.
  const holders = new LRUCache<string, ApiKeyHolder>({ max: keptMax, ttl: keptMs, fetchMethod: find });
  return {
    ensure: async ({ name, role, key }) => {
      const hash = hashOf(key);
      await database.prisma.apiKey.upsert({
        where: { name },
        create: { id: newId(), name, role, hash },
        update: { role, hash, revokedAt: null },
      });
      holders.clear();
    },
    authenticate: (key) => holders.fetch(hashOf(key)),
  };
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
