import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import type { Graph } from '../graph/graph.ts';

/** In jobs, over all graphs: what a process keeps of versions that it has read. */
const cachedJobsMax = 50_000;

/** Graphs that were stored before jobs told what they read. */
function complete(graph: Graph): Graph {
  const nothing = { inputs: [], files: [] };
  return { ...graph, jobs: graph.jobs.map((job) => ({ ...nothing, ...job })) };
}

/** A version of a graph never changes: kept in memory once read. */
export interface GraphCache {
  /**
   * @param client the transaction's, inside of one: a second connection might not be had while it waits
   * @throws CodedError GRAPH_UNKNOWN
   */
  load(client: Pick<pg.Pool | pg.ClientBase, 'query'>, projectId: string, version: number): Promise<Graph>;
}

export function createGraphCache(): GraphCache {
  const cache = new LRUCache<string, Graph>({
    maxSize: cachedJobsMax,
    sizeCalculation: (graph) => Math.max(1, graph.jobs.length),
  });
  return {
    load: async (client, projectId, version) => {
      const key = `${projectId}/${version}`;
      const known = cache.get(key);
      if (known) return known;
      const found = await client.query<{ graph: Graph }>(
        'SELECT graph FROM graph_version WHERE project_id = $1 AND version = $2',
        [projectId, version],
      );
      const graph = found.rows[0] && complete(found.rows[0].graph);
      if (!graph) {
        const message = `Version ${version} of the graph is gone; its project was deleted.`;
        throw new CodedError('GRAPH_UNKNOWN', message);
      }
      cache.set(key, graph);
      return graph;
    },
  };
}
