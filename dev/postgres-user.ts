import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user that Postgres has to run as: it refuses root. undefined when this process is not root, and Postgres runs as
 * the user that we are.
 */
export function postgresUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const user = findUser('postgres') ?? findUser('nobody');
  if (user !== undefined) return user;
  throw new Error(
    'Postgres does not run as root, and /etc/passwd has neither a user "postgres" nor "nobody" to run it as. ' +
      'Start Graphrun as another user than root, or set DATABASE_URL to a Postgres server.',
  );
}

/** Whether that user may run this program. The system is asked, since mode bits are not all that decides it. */
export function canRun(user: SystemUser | undefined, program: string): boolean {
  return tryAs(user, program, ['--version']);
}

/** Whether that user may pass through and read this folder. */
export function canReach(user: SystemUser | undefined, dir: string): boolean {
  return tryAs(user, '/bin/sh', ['-c', 'cd -- "$1" && [ -r . ]', 'sh', dir]);
}

function tryAs(user: SystemUser | undefined, program: string, args: readonly string[]): boolean {
  const ids = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  return spawnSync(program, args, { ...ids, cwd: '/', stdio: 'ignore' }).status === 0;
}

function findUser(wanted: string): SystemUser | undefined {
  const passwd = readFileSync('/etc/passwd', 'utf8');
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === wanted && uid && gid) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
