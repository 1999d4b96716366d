import type { GraphDefinition } from './definition.ts';

/** Writes a graph in TypeScript, checked by the compiler; JSON and YAML are the same definition. */
export function defineGraph(definition: GraphDefinition): GraphDefinition {
  return definition;
}
