/** JSON that Postgres takes whatever is in it: jsonb refuses NUL and half of a surrogate pair. Null stays null. */
export function toJson(value: object | null): string | null {
  return value && JSON.stringify(value, (_key, part) => (typeof part === 'string' ? toText(part) : part));
}

/** Text that Postgres takes. */
export function toText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
