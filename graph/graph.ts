import type { JobRules, OnFailure } from './rules.ts';

/** A JSON Schema, with the default of its parameter. */
export type ParamSchema = Readonly<Record<string, unknown>>;
export type Params = Readonly<Record<string, unknown>>;

/** A definition that was found valid: edges derived, rules complete, jobs in a topological order. */
export interface Graph {
  readonly project: string;
  readonly timezone: string;
  /** By name. */
  readonly params?: Readonly<Record<string, ParamSchema>>;
  /** Absent where it is `continue`. */
  readonly onFailure?: OnFailure;
  /** Of a whole run; absent where it may take as long as it does. */
  readonly timeoutMs?: number;
  /** Absent where it is 1. */
  readonly maxOpenRuns?: number;
  /** The project whose runs start runs of this one when they have succeeded. */
  readonly after?: string;
  /** The most that one job asks for, by pool; absent where none asks for any. */
  readonly pools?: Readonly<Record<string, number>>;
  readonly jobs: readonly GraphJob[];
}

export interface GraphJob {
  readonly key: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** A condition, in CEL: where it is false, the job is skipped. */
  readonly when?: string;
  /** Places in `config` of texts that are filled in when the job runs; the kind's schema has not seen such a config. */
  readonly templates?: readonly (readonly (string | number)[])[];
  /** Keys of all parents, written or derived (from datasets and from what it asks of their outputs), without repeats, in order of their place in `jobs`. */
  readonly dependsOn: readonly string[];
  /** Datasets and files that it reads: both are replaced by others than its parents, too. */
  readonly inputs: readonly string[];
  readonly files: readonly string[];
  readonly outputs: readonly string[];
  readonly rules: JobRules;
}
