import { createStore } from '../store/index.ts';

/** Makes the key of `secrets.json` known to the API; the same key twice is no error. */
export async function ensureLocalApiKey(databaseUrl: string, key: string): Promise<void> {
  const store = createStore({ databaseUrl });
  try {
    await store.apiKeys.ensure({ name: 'local', role: 'admin', key });
  } finally {
    await store.close();
  }
}
