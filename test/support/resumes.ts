import { beforeEach } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import type { GraphRunDetail } from '../../graph/resources.ts';
import type { Resume } from '../../store/resume-runs.ts';
import { useEngine } from './engine.ts';
import { createTestKinds } from './kinds.ts';
import { useWatch } from './watch.ts';

/** All that failed or was not reached, by the pinned graph. */
export const whole: Resume = { from: null, latest: false, plan: null, actor: 'test' };

export const once = { maximumAttempts: 1 } as const;

/** Each job with its state, its epoch, and whether it was kept. */
export function statesOf({ jobRuns }: GraphRunDetail): Record<string, string> {
  return Object.fromEntries(
    jobRuns.map(({ job, state, reason, epoch, reused }) => [
      job,
      [state, reason, `epoch ${epoch}`, reused ? 'reused' : null].filter(Boolean).join(' '),
    ]),
  );
}

/** An engine with its watch, whose runs are made to fail and are resumed as the API does it. */
export async function useResumes() {
  const { kinds, begun, broken } = createTestKinds();
  const engine = await useEngine(kinds);
  useWatch(engine);
  beforeEach(() => {
    begun.length = 0;
    broken.clear();
  });
  return {
    ...{ engine, begun, broken },
    /** a → b → c → d, and e beside them. */
    pushChain: (project: string, more: GraphDefinition['jobs'] = {}): Promise<void> =>
      engine.push({
        project,
        jobs: {
          a: { kind: 'breakable' },
          b: { kind: 'breakable', dependsOn: ['a'], retry: once },
          c: { kind: 'breakable', dependsOn: ['b'] },
          d: { kind: 'reader', config: { of: 'a' }, dependsOn: ['c'] },
          e: { kind: 'breakable' },
          ...more,
        },
      }),
    /** Resolves with the run once it has ended again. */
    resume: async (id: string, request: Partial<Resume> = {}): Promise<GraphRunDetail> => {
      const { workflowId, project } = await engine.store.resumes.resume(id, { ...whole, ...request });
      const { taskQueue } = engine;
      const args = [{ project, graphRunId: id }];
      await engine.client.workflow.start('graphRun', { taskQueue, workflowId, args });
      return engine.ended(id);
    },
    /** Runs it with a job broken, and mends that; the id of the run. */
    failIn: async (project: string, job: string): Promise<string> => {
      broken.add(job);
      const { id } = await engine.run(project);
      broken.delete(job);
      begun.length = 0;
      return id;
    },
  };
}
