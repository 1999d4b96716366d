import type { Readable } from 'node:stream';

export interface Column {
  readonly name: string;
  /** A type of Postgres as it is written in SQL, for example `bigint`. */
  readonly type: string;
}

/** SQL as the user wrote it, where what is run differs from it: errors name places of this one. */
export interface WrittenSql {
  readonly text: string;
  /** Turns an offset in the SQL that is run into one in `text`. */
  offsetOf(offset: number): number;
}

/** A table that one attempt fills under the project's role, unseen by readers until it is published. */
export interface Staging {
  readonly dataset: string;
  /** Its quoted name, for `query`. */
  readonly table: string;
  /**
   * Makes it from a query of the user: one SELECT, WITH, VALUES or TABLE. Resolves with the number of rows.
   * @throws CodedError SQL_INVALID with line and column of `written`, or of `sql` when that is what the user wrote.
   */
  createAs(sql: string, written?: WrittenSql): Promise<number>;
  /** Makes it empty. */
  create(columns: readonly Column[]): Promise<void>;
  /** Fills it from a stream in Postgres' CSV format (all strings quoted, null unquoted and empty). Resolves with the rows. */
  copyFrom(csv: Readable, columns: readonly string[]): Promise<number>;
  /** Runs a statement of the platform's own on it, such as a change of a column's type. */
  query<Row extends Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  columns(): Promise<Column[]>;
}

/** What a kind sees of the warehouse: its own project's schema, under a role that reaches nothing else. */
export interface AttemptWarehouse {
  /** The quoted, schema-qualified name of a dataset's table. */
  tableOf(dataset: string): string;
  /** A staging table for a dataset; one per dataset and attempt. */
  stage(dataset: string): Promise<Staging>;
}
