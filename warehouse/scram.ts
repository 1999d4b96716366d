import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

const iterations = 4096;

/**
 * The password of a project's role: every worker that knows the platform's own password computes the same one, so none
 * is stored or sent.
 */
export function rolePassword(adminPassword: string, role: string): string {
  return createHmac('sha256', adminPassword).update(role).digest('base64url');
}

/**
 * What Postgres keeps in place of a password (RFC 5803). It goes into CREATE ROLE, so that the password itself is in no
 * log of the server's.
 */
export function scramVerifier(password: string, role: string): string {
  const salt = createHmac('sha256', password).update(`salt of ${role}`).digest().subarray(0, 16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
