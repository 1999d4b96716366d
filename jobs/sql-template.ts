import { jobKeyPattern } from '../graph/names.ts';
import { type Reference, readReference } from '../graph/template.ts';
import type { WrittenSql } from '../warehouse/attempt-warehouse.ts';
import { findMisplaced, type PlacedValue } from './sql-values.ts';

/** SQL with `{{ ref('dataset') }}` and values of a run in it, taken apart. */
export interface SqlTemplate {
  /** Datasets that it reads, in order, without repeats. */
  readonly refs: readonly string[];
  /** Values of the run that it asks for, in order. */
  readonly values: readonly Reference[];
  readonly problems: readonly { readonly offset: number; readonly message: string }[];
  /** The SQL to run, with each ref and value replaced by what it stands for, and the way back to what was written. */
  render(by: SqlParts): { readonly sql: string; readonly written: WrittenSql };
}

/** What stands in the SQL that is run. */
export interface SqlParts {
  tableOf(dataset: string): string;
  literalOf(value: Reference, offset: number): string;
}

const marker = /\{\{\s*ref\(\s*(['"])([^'"]*)\1\s*\)\s*\}\}|\{\{([^{}]*)\}\}|\{\{/g;
const known = "{{ ref('dataset') }}, {{ params.name }}, {{ outputs.job.field }} or {{ run.scheduledAt }}";

interface Marker {
  readonly stands: string | Reference;
  readonly start: number;
  readonly end: number;
}

/** Finds refs and values, and every other `{{` as a problem; and each value that stands where none may. */
export function parseSqlTemplate(text: string): SqlTemplate {
  const markers: Marker[] = [];
  const problems: { offset: number; message: string }[] = [];
  for (const { 0: found, 2: dataset, 3: inner, index: start } of text.matchAll(marker)) {
    const stands = dataset ?? (inner === undefined ? undefined : readReference(inner, found));
    if (stands === undefined) {
      const near = JSON.stringify(text.slice(start, start + 30));
      const message = `expected ${known}, found ${near} (an array is written array[[1, 2]])`;
      problems.push({ offset: start, message });
    } else if (typeof stands === 'string' && !jobKeyPattern.test(stands)) {
      const message = `"${stands}" is not a dataset: expected a lower-case letter, then up to 62 of a-z, 0-9 and _`;
      problems.push({ offset: start, message });
    } else markers.push({ stands, start, end: start + found.length });
  }
  const values = markers.flatMap(({ stands, start, end }): PlacedValue[] =>
    typeof stands === 'string' ? [] : [{ value: stands, start, end }],
  );
  if (values.length > 0) problems.push(...findMisplaced(hide(text), values));
  return {
    refs: [...new Set(markers.flatMap(({ stands }) => (typeof stands === 'string' ? [stands] : [])))],
    values: values.map(({ value }) => value),
    problems: problems.sort((a, b) => a.offset - b.offset),
    render: (by) => render(text, markers, by),
  };
}

/** The quotes within braces are not those of the SQL. A NUL is no character of SQL, so it stands for nothing else. */
function hide(text: string): string {
  return text.replace(marker, (found) => '\0'.repeat(found.length));
}

function render(text: string, markers: readonly Marker[], { tableOf, literalOf }: SqlParts) {
  let sql = '';
  let copied = 0;
  const moved: { readonly start: number; readonly end: number; readonly marker: Marker }[] = [];
  for (const marker of markers) {
    const { stands } = marker;
    sql += text.slice(copied, marker.start);
    const start = sql.length;
    // Blanks, so that it never is one word, text or operator with what it stands beside.
    sql += typeof stands === 'string' ? tableOf(stands) : ` ${literalOf(stands, marker.start)} `;
    moved.push({ start, end: sql.length, marker });
    copied = marker.end;
  }
  sql += text.slice(copied);

  function offsetOf(offset: number): number {
    const last = moved.findLast(({ start }) => start <= offset);
    if (last === undefined) return offset;
    return offset < last.end ? last.marker.start : offset - last.end + last.marker.end;
  }
  return { sql, written: { text, offsetOf } };
}
