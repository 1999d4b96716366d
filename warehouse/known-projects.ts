import type { Platform } from './platform.ts';
import { ensureProject, type ProjectReady } from './projects.ts';

/** What this process has made, or found, of projects: that takes a transaction, so it is done once for each. */
export function createKnownProjects(platform: Platform) {
  const known = new Map<string, Promise<ProjectReady>>();

  function make(project: string, token: bigint | null): Promise<ProjectReady> {
    const made = ensureProject(platform, project, token);
    known.set(project, made);
    made.catch(() => {
      if (known.get(project) === made) known.delete(project);
    });
    return made;
  }

  async function ready(project: string, token: bigint | null = null): Promise<ProjectReady> {
    const found = known.get(project);
    if (!found) return make(project, token);
    // One that failed may have done so for reasons of its own attempt.
    return (await found.catch(() => undefined)) ?? make(project, token);
  }

  return {
    ready,
    /** For an attempt: another process may have dropped the project since this one made it. */
    async readyFor({ project, token }: { readonly project: string; readonly token: bigint }) {
      const sql = 'select from graphrun.project where name = $1';
      const { rowCount } = await platform.pool.query(sql, [project]);
      if (rowCount === 0) known.delete(project);
      return ready(project, token);
    },
    forget: (project: string) => known.delete(project),
  };
}
