import { createHash } from 'node:crypto';
import pg from 'pg';
import { jobKeyPattern, projectNamePattern } from '../graph/names.ts';

const identifierBytesMax = 63;

/** What one project has in the warehouse. No two projects of a server share any of these names. */
export interface ProjectNames {
  readonly project: string;
  readonly schema: string;
  /** `$` is in no project's name, so this is never another project's schema. */
  readonly stagingSchema: string;
  readonly role: string;
}

/** Names of a project's schemas and role. Roles belong to the whole server, so theirs begins with the database. */
export function namesOf(project: string, database: string): ProjectNames {
  if (!projectNamePattern.test(project)) throw new Error(`not a project name: "${project}"`);
  const schema = project.replaceAll('-', '_');
  return { project, schema, stagingSchema: `${schema}$staging`, role: roleOf(database, schema) };
}

/** Schemas hold no dot and no `~`: the last dot tells database and schema apart, and a cut name is like no other. */
function roleOf(database: string, schema: string): string {
  const name = `${database}.${schema}`;
  if (Buffer.byteLength(name) <= identifierBytesMax) return name;
  const mark = `~${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
  let cut = '';
  for (const character of name) {
    if (Buffer.byteLength(cut + character + mark) > identifierBytesMax) break;
    cut += character;
  }
  return cut + mark;
}

export interface AttemptId {
  readonly jobRunId: string;
  readonly token: bigint;
}

/** An attempt, or whoever shuts attempts out, as the fence sees it. */
export interface FenceRaise extends AttemptId {
  readonly project: string;
}

/** At most 51 bytes: 32 of the job run, 13 of the token, the number of the table in its attempt. */
export function stagingTable({ jobRunId, token }: AttemptId, index: number): string {
  return `${stagingPrefix(jobRunId)}${token.toString(36)}_${index}`;
}

export function stagingPrefix(jobRunId: string): string {
  return `${jobRunId.replaceAll('-', '').toLowerCase()}_`;
}

export const stagingPrefixChars = 33;

/** The prefix in a staging table's or a session's name. */
export function stagingPrefixOf(name: string): string {
  return name.slice(0, stagingPrefixChars);
}

/** The token in a staging table's or a session's name; undefined when it was not made by `stagingTable`. */
export function tokenOf(name: string): bigint | undefined {
  const digits = /^[0-9a-f]{32}_([0-9a-z]{1,13})(_\d+)?$/.exec(name)?.[1];
  if (digits === undefined) return undefined;
  return [...digits].reduce((sum, digit) => sum * 36n + BigInt(Number.parseInt(digit, 36)), 0n);
}

/** What an attempt's connection calls itself, so that a later attempt finds and ends it. */
export function sessionName({ jobRunId, token }: AttemptId): string {
  return `${stagingPrefix(jobRunId)}${token.toString(36)}`;
}

export function quote(name: string): string {
  return pg.escapeIdentifier(name);
}

/** The quoted name of a table in a schema. */
export function qualify(schema: string, table: string): string {
  return `${quote(schema)}.${quote(table)}`;
}

export function checkDataset(dataset: string): void {
  if (!jobKeyPattern.test(dataset)) throw new Error(`not the name of a dataset: "${dataset}"`);
}
