import type { Client } from '../client/index.ts';
import { noopKind } from './kinds.ts';

/** A graph as parents by number: a job's parents are smaller than itself. */
type Parents = readonly (readonly number[])[];

/** Makes a project whose graph has these jobs; of the no-op kind unless told. */
export async function pushGraph(
  api: Client,
  project: string,
  parents: Parents,
  kindOf: (job: number) => string = () => noopKind.kind,
): Promise<void> {
  const jobs = Object.fromEntries(
    parents.map((above, job) => [jobKey(job), { kind: kindOf(job), dependsOn: above.map(jobKey) }]),
  );
  await api.projects.create({ name: project });
  await api.graphs.push(project, { project, jobs });
}

/** In the order of the jobs. */
function jobKey(job: number): string {
  return `job_${String(job).padStart(4, '0')}`;
}
