import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFileAtomic } from './atomic-file.ts';

/** What the stack made once for its home and keeps. */
export interface Secrets {
  readonly postgresPassword: string;
  readonly apiKey: string;
}

/**
 * Reads a home's secrets, or makes them.
 * @throws Error when the file is there and not what the stack wrote: new secrets would not open the old database.
 */
export function loadSecrets(file: string): Secrets {
  if (!existsSync(file)) {
    const secrets: Secrets = {
      postgresPassword: randomBytes(32).toString('base64url'),
      apiKey: `gr_${randomBytes(32).toString('base64url')}`,
    };
    writeFileAtomic(file, `${JSON.stringify(secrets, null, 2)}\n`);
    return secrets;
  }
  const content = parse(readFileSync(file, 'utf8'));
  if (
    typeof content === 'object' &&
    content !== null &&
    'postgresPassword' in content &&
    'apiKey' in content
  ) {
    const { postgresPassword, apiKey } = content;
    if (typeof postgresPassword === 'string' && typeof apiKey === 'string')
      return { postgresPassword, apiKey };
  }
  throw new Error(
    `${file} was expected to hold {"postgresPassword": "...", "apiKey": "..."} and does not. ` +
      'Put its old content back, or begin anew with: npm start -- --fresh',
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
