/** One step of a depth-first walk: a node and how many of its parents were walked. */
interface Step {
  readonly node: string;
  next: number;
}

/** More than these help nobody, and each costs a walk. */
const cyclesShown = 20;

export type Parents = ReadonlyMap<string, readonly string[]>;

/**
 * Orders the nodes so that each comes after its parents; ties keep the order in which they were written.
 * Where that cannot be, `cycles` holds one path for each knot, its first node repeated at its end.
 * Iterative, since a chain of 10,000 jobs is deeper than the stack.
 */
export function sortTopologically(parents: Parents): { order: string[]; cycles: string[][] } {
  const order: string[] = [];
  const cycles: string[][] = [];
  const mark = new Map<string, 'open' | 'done'>();
  for (const root of parents.keys()) {
    if (mark.has(root)) continue;
    const path: Step[] = [{ node: root, next: 0 }];
    mark.set(root, 'open');
    while (path.length > 0) {
      const step = path[path.length - 1] as Step;
      const parent = parents.get(step.node)?.[step.next];
      if (parent === undefined) {
        mark.set(step.node, 'done');
        order.push(step.node);
        path.pop();
        continue;
      }
      step.next += 1;
      if (!parents.has(parent)) continue;
      const seen = mark.get(parent);
      if (seen === undefined) {
        mark.set(parent, 'open');
        path.push({ node: parent, next: 0 });
      } else if (seen === 'open' && cycles.length < cyclesShown) {
        cycles.push(cycleFrom(path, parent));
      }
    }
  }
  return { order, cycles };
}

/** The walk goes from child to parent; people read an edge from the parent to the child. */
function cycleFrom(path: readonly Step[], start: string): string[] {
  const nodes = path.map((step) => step.node);
  const loop = nodes.slice(nodes.indexOf(start)).reverse();
  const last = loop[loop.length - 1] as string;
  return [last, ...loop];
}
