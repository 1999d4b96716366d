import type { Environment } from './environment.ts';

/** Rows in columns of one width, so that they can be read as they are, too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(width(column))).join(' | ')} |`;
  return [line(head), line(head.map((_, column) => '-'.repeat(width(column)))), ...rows.map(line)];
}

export function listEnvironment(environment: Environment): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}: ${value}`);
}

/** Whether a figure is what is wanted. */
export function judge(isMet: boolean): string {
  return isMet ? 'met' : 'missed';
}
