/** The id of the workflow that carries out one epoch of a graph run. */
export function graphRunWorkflowId(graphRunId: string, epoch: number): string {
  return `graph-run/${graphRunId}/${epoch}`;
}

/** The id of the workflow that carries out one epoch of a lone job run. */
export function jobRunWorkflowId(jobRunId: string, epoch: number): string {
  return `job-run/${jobRunId}/${epoch}`;
}

const idPattern = /^(graph-run|job-run)\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/([1-9]\d{0,8})$/;

/** Reads a workflow id of ours; null for one that was chosen outside. */
export function readWorkflowId(
  workflowId: string,
): { readonly type: 'graph-run' | 'job-run'; readonly id: string; readonly epoch: number } | null {
  const match = idPattern.exec(workflowId);
  if (!match) return null;
  const [, type, id = '', epoch] = match;
  return { type: type === 'graph-run' ? 'graph-run' : 'job-run', id, epoch: Number(epoch) };
}
