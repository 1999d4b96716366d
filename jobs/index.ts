import { CodedError } from '../graph/errors.ts';
import type { AnyJobKind } from './define-job-kind.ts';
import { ownKinds } from './own-kinds.ts';
import { transform } from './transform.ts';
import { upload } from './upload.ts';

/** The kinds that come with Graphrun. */
export const builtInKinds: readonly AnyJobKind[] = [upload, transform];

/**
 * The registry: the built-in kinds, those of the user and `extra` ones.
 * @throws CodedError CONFIG_INVALID when two have one name.
 */
export function createKinds(extra: readonly AnyJobKind[] = []): ReadonlyMap<string, AnyJobKind> {
  const kinds = new Map<string, AnyJobKind>();
  for (const kind of [...builtInKinds, ...ownKinds, ...extra]) {
    if (kinds.has(kind.kind)) {
      throw new CodedError('CONFIG_INVALID', `two job kinds are named "${kind.kind}"; rename one of them`);
    }
    kinds.set(kind.kind, kind);
  }
  return kinds;
}
