import type { Problem } from './errors.ts';
import { pointer } from './zod-problems.ts';

/** Slots by name. */
export type KnownPools = ReadonlyMap<string, number>;

/** Pools that a job asks for and that are not there, or have not as many slots. */
export function findPoolProblems(
  job: string,
  pools: Readonly<Record<string, number>>,
  known: KnownPools,
): Problem[] {
  return Object.entries(pools).flatMap(([name, slots]): Problem[] => {
    const path = pointer(['jobs', job, 'pools', name]);
    const has = known.get(name);
    if (has === undefined) {
      const message = `there is no pool "${name}"; make it first: graphrun pools ${name} --slots ${slots}`;
      return [{ code: 'POOL_UNKNOWN', path, message }];
    }
    if (slots <= has) return [];
    return [
      {
        code: 'POOL_TOO_SMALL',
        path,
        message: `asks for ${slots} slots of pool "${name}", which has ${has}`,
      },
    ];
  });
}

/** The most that one job of a graph asks for, by pool; undefined where none asks for any. */
export function largestAsks(
  jobs: readonly { readonly rules: { readonly pools?: Readonly<Record<string, number>> } }[],
): Record<string, number> | undefined {
  const most: Record<string, number> = {};
  for (const { rules } of jobs) {
    for (const [pool, slots] of Object.entries(rules.pools ?? {}))
      most[pool] = Math.max(most[pool] ?? 0, slots);
  }
  return Object.keys(most).length > 0 ? most : undefined;
}
