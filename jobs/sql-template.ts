import { jobKeyPattern } from '../graph/names.ts';
import type { WrittenSql } from '../warehouse/attempt-warehouse.ts';

/** SQL with `{{ ref('dataset') }}` in it, taken apart. */
export interface SqlTemplate {
  /** Datasets that it reads, in order, without repeats. */
  readonly refs: readonly string[];
  readonly problems: readonly { readonly offset: number; readonly message: string }[];
  /** The SQL to run, with each ref replaced by what `tableOf` gives, and the way back to what was written. */
  render(tableOf: (dataset: string) => string): { readonly sql: string; readonly written: WrittenSql };
}

const marker = /\{\{\s*ref\(\s*(['"])([^'"]*)\1\s*\)\s*\}\}|\{\{/g;

interface Ref {
  readonly dataset: string;
  readonly start: number;
  readonly end: number;
}

/** Finds refs, and every other `{{` as a problem. */
export function parseSqlTemplate(text: string): SqlTemplate {
  const refs: Ref[] = [];
  const problems: { offset: number; message: string }[] = [];
  for (const match of text.matchAll(marker)) {
    const [found, , dataset] = match;
    const offset = match.index;
    if (dataset === undefined) {
      const near = JSON.stringify(text.slice(offset, offset + 30));
      problems.push({
        offset,
        message: /^\{\{\s*(params|outputs)\./.test(text.slice(offset))
          ? `found ${near}: values of a run cannot be put into SQL; {{ ref('dataset') }} can`
          : `expected {{ ref('dataset') }}, found ${near} (an array is written array[[1, 2]])`,
      });
    } else if (!jobKeyPattern.test(dataset)) {
      problems.push({
        offset,
        message: `"${dataset}" is not a dataset: expected a lower-case letter, then up to 62 of a-z, 0-9 and _`,
      });
    } else refs.push({ dataset, start: offset, end: offset + found.length });
  }
  return {
    refs: [...new Set(refs.map(({ dataset }) => dataset))],
    problems,
    render: (tableOf) => render(text, refs, tableOf),
  };
}

function render(text: string, refs: readonly Ref[], tableOf: (dataset: string) => string) {
  let sql = '';
  let copied = 0;
  const moved: { readonly start: number; readonly end: number; readonly ref: Ref }[] = [];
  for (const ref of refs) {
    sql += text.slice(copied, ref.start);
    const start = sql.length;
    sql += tableOf(ref.dataset);
    moved.push({ start, end: sql.length, ref });
    copied = ref.end;
  }
  sql += text.slice(copied);

  function offsetOf(offset: number): number {
    const last = moved.findLast(({ start }) => start <= offset);
    if (last === undefined) return offset;
    return offset < last.end ? last.ref.start : offset - last.end + last.ref.end;
  }
  return { sql, written: { text, offsetOf } };
}
