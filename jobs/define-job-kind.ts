import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { KindRules } from '../graph/kinds.ts';
import type { OwnTemplates } from '../graph/template.ts';
import type { AttemptWarehouse } from '../warehouse/attempt-warehouse.ts';

/** A file that was uploaded to the project. `read` streams one consistent snapshot, also while a newer one arrives. */
export interface JobFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  read(): Readable;
}

export interface JobLog {
  debug(message: string, data?: Readonly<Record<string, unknown>>): void;
  info(message: string, data?: Readonly<Record<string, unknown>>): void;
  warn(message: string, data?: Readonly<Record<string, unknown>>): void;
}

/** What a running attempt of a job is given. */
export interface JobContext {
  readonly project: string;
  readonly job: string;
  readonly graphRunId: string | null;
  readonly jobRunId: string;
  /** 1 for the first try of this execution. */
  readonly attempt: number;
  /** The same for every attempt of this JobRun in this epoch: hand it to outside systems that deduplicate. */
  readonly idempotencyKey: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** What the kind's `ownTemplates` ask of the run, by how it was written. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Aborts on cancel, on time-out, and when the worker stops; its reason is thrown on by well-behaved code. */
  readonly signal: AbortSignal;
  /** The worker's log; each line tells project, job, job run and attempt. */
  readonly log: JobLog;
  readonly files: { open(name: string): Promise<JobFile | undefined> };
  /**
   * The project's part of the warehouse. A kind fills staging tables; they replace the datasets in one transaction
   * together with the output, after `run` has returned, and only if no newer attempt has taken over.
   */
  readonly warehouse: AttemptWarehouse;
  /** The recorded output of a job upstream; undefined when it has none. */
  upstream(job: string): Promise<unknown>;
  /**
   * Where a job goes on that was interrupted. `value` is what an earlier attempt of this epoch saved last; undefined where
   * none did. `save` replaces it: small JSON (64 KiB). An attempt that another one has followed saves nothing, and fails.
   */
  readonly checkpoint: { readonly value: unknown; save(value: unknown): Promise<void> };
  /** Tells how far the work is; shown to people, kept until the next call. */
  progress(note: { readonly done: number; readonly total?: number; readonly unit: string }): void;
}

export interface JobKind<Config extends object = Record<string, unknown>, Output = unknown> {
  readonly kind: string;
  /** Checks and completes a job's `config`. Use `z.strictObject`, so that slips are found on save. */
  readonly config: z.ZodType<Config>;
  /**
   * Fields of the config, such as `sql`, in whose texts `{{ }}` is the kind's own and not filled in before `run`; each with
   * what finds the values of the run that a text asks for. `run` gets them as `ctx.values`.
   */
  readonly ownTemplates?: OwnTemplates;
  /** Checks what `run` returns. Small JSON: data goes to the warehouse. */
  readonly output: z.ZodType<Output>;
  /** True when `run` stages datasets: such attempts are fenced in the warehouse as well. */
  readonly writesWarehouse: boolean;
  /** Datasets that the job reads. Of a config with templates, these three may get it as it was written. */
  inputs(config: Config): readonly string[];
  /** Files of the project that it reads; none unless told. */
  files?(config: Config): readonly string[];
  /** Datasets that it writes. */
  outputs(config: Config, jobKey: string): readonly string[];
  /**
   * Does the work of one attempt. Throw a CodedError with a 4xx status for what the user must mend: it is final at once.
   * Anything else is tried again as the job's `retry` says. May run more than once (docs/states.md).
   */
  run(ctx: JobContext, config: Config): Promise<Output>;
}

/** A kind with its types closed over: what the registry holds. */
export interface AnyJobKind extends KindRules {
  readonly output: z.ZodType;
  readonly writesWarehouse: boolean;
  run(ctx: JobContext, config: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/** Defines what jobs of one kind do. Config and output types follow from the schemas. */
export function defineJobKind<Config extends Record<string, unknown>, Output>(
  kind: JobKind<Config, Output>,
): AnyJobKind {
  // One with templates is not yet what the schema asks for.
  const read = (config: Readonly<Record<string, unknown>>): Config => {
    const parsed = kind.config.safeParse(config);
    return parsed.success ? parsed.data : (config as Config);
  };
  return {
    kind: kind.kind,
    config: kind.config,
    output: kind.output,
    writesWarehouse: kind.writesWarehouse,
    ...(kind.ownTemplates && { ownTemplates: kind.ownTemplates }),
    inputs: (config) => kind.inputs(read(config)),
    files: (config) => kind.files?.(read(config)) ?? [],
    outputs: (config, jobKey) => kind.outputs(read(config), jobKey),
    run: (ctx, config) => kind.run(ctx, kind.config.parse(config)),
  };
}
