import type { z } from 'zod';
import type { OwnTemplates } from './template.ts';

/** What validation must know of a job kind; `defineJobKind` in jobs/ makes them. */
export interface KindRules {
  readonly kind: string;
  readonly config: z.ZodType<Readonly<Record<string, unknown>>>;
  /** Fields of the config in whose texts `{{ }}` is the kind's own. */
  readonly ownTemplates?: OwnTemplates;
  /** Datasets that a job with this config reads; each must be written by a job of the graph. */
  inputs(config: Readonly<Record<string, unknown>>): readonly string[];
  /** Files of the project that it reads. */
  files(config: Readonly<Record<string, unknown>>): readonly string[];
  /** Datasets that it writes. */
  outputs(config: Readonly<Record<string, unknown>>, jobKey: string): readonly string[];
}

export type Kinds = ReadonlyMap<string, KindRules>;
