export const projectNamePattern = /^[a-z][a-z0-9-]{0,39}$/;
export const jobKeyPattern = /^[a-z][a-z0-9_]{0,62}$/;
export const poolNamePattern = /^[a-z][a-z0-9_-]{0,62}$/;
export const paramNamePattern = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;
/** A file's name is a label, never a path: no separators, no leading dot. */
export const fileNamePattern = /^[A-Za-z0-9_][A-Za-z0-9._ -]{0,199}$/;

/** A project's name becomes a schema of the warehouse; these would meet schemas that exist in every database. */
const reservedProjectNames = ['public', 'graphrun', 'information-schema'];

export function isReservedProjectName(name: string): boolean {
  return reservedProjectNames.includes(name) || name.startsWith('pg-');
}
