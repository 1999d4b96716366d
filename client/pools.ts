import type { PoolView } from '../graph/pools.ts';
import type { Page } from '../graph/resources.ts';
import type { Http } from './http.ts';

const path = ['v1', 'pools'] as const;

export function createPools(http: Http) {
  return {
    /** All of them, by name. */
    list: async () => (await http.request<Page<PoolView>>({ method: 'GET', path })).items,
    get: (pool: string) => http.request<PoolView>({ method: 'GET', path: [...path, pool] }),
    /** Makes it, or changes it. */
    put: (pool: string, settings: { readonly slots: number; readonly description?: string | undefined }) =>
      http.request<PoolView>({ method: 'PUT', path: [...path, pool], json: settings }),
    remove: (pool: string) => http.request<void>({ method: 'DELETE', path: [...path, pool] }),
  };
}
