import { z } from 'zod';
import { graphDefinitionSchema } from '../../graph/definition.ts';
import { CodedError, type Problem } from '../../graph/errors.ts';
import { limits } from '../../graph/limits.ts';
import { graphChangeSchema, graphVersionSchema, pageSchema } from '../../graph/resources.ts';
import { type Validation, validateGraph } from '../../graph/validate.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { keepJsonProblems } from '../plugins/json-body.ts';
import type { JsonDocument } from '../read-json.ts';
import { noQuery, pageQuery, projectPath } from '../request-schemas.ts';

const tags = ['graphs'];

/** As it was stored, which may have been before its time zone was checked as it is now. */
const storedSchema = graphDefinitionSchema.extend({ timezone: z.string().optional() });
const currentSchema = z.object({ version: z.int(), hash: z.string(), definition: storedSchema });
const pushedSchema = z.object({ version: z.int(), isNew: z.boolean(), change: graphChangeSchema });
/** validateGraph reads it, so that all its problems are found at once; here it is only described. */
const definitionBody = z
  .custom<JsonDocument | null>()
  .meta(z.toJSONSchema(graphDefinitionSchema, { io: 'input', unrepresentable: 'any' }));

/** /projects/:project/graph: a scope of its own, since it reads bodies in its own way. */
export async function graphRoutes(scope: Api, { store, kinds }: Dependencies): Promise<void> {
  keepJsonProblems(scope);

  scope.put(
    '/projects/:project/graph',
    {
      config: { permission: 'write' },
      bodyLimit: limits.definitionBytes,
      schema: {
        tags,
        summary: 'Makes a definition the current graph',
        description:
          'All problems of a refused definition are told at once. A definition equal to the current one makes no new ' +
          'version. With dryRun=true nothing is stored: the answer tells what would be.',
        params: projectPath,
        querystring: z.strictObject({ dryRun: z.enum(['true', 'false']).default('false') }),
        body: definitionBody,
        response: { 200: pushedSchema, 201: pushedSchema },
      },
    },
    async ({ params, query, body, actor }, reply) => {
      const pools = await store.pools.known();
      const { graph, definition } = acceptGraph(params.project, body, (value) => {
        return validateGraph(value, kinds, pools);
      });
      const dryRun = query.dryRun === 'true';
      const pushed = await store.graphs.push({ graph, definition, actor, dryRun });
      return reply.code(pushed.isNew && !dryRun ? 201 : 200).send(pushed);
    },
  );

  scope.get(
    '/projects/:project/graph',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Shows the current definition as it was written',
        params: projectPath,
        querystring: noQuery,
        response: { 200: currentSchema },
      },
    },
    ({ params }) => store.graphs.current(params.project),
  );

  scope.get(
    '/projects/:project/graph/versions',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists versions of the graph, newest first',
        params: projectPath,
        querystring: pageQuery,
        response: { 200: pageSchema(graphVersionSchema) },
      },
    },
    ({ params, query }) => store.graphs.versions(params.project, query),
  );
}

/** @throws CodedError GRAPH_INVALID, PROJECT_MISMATCH */
function acceptGraph(project: string, body: JsonDocument | null, validate: (value: unknown) => Validation) {
  const validation = validate(body?.value);
  const problems = [...(body?.problems ?? []), ...(validation.ok ? [] : validation.problems)];
  const unlisted = (body?.unlisted ?? 0) + (validation.ok ? 0 : validation.unlisted);
  if (!validation.ok || problems.length > 0) throw invalidGraph(problems, unlisted);
  const named = validation.graph.project;
  if (named === project) return validation;
  const message = `The definition is of project "${named}", but was sent to project "${project}"; change one of the two.`;
  throw new CodedError('PROJECT_MISMATCH', message);
}

function invalidGraph(problems: readonly Problem[], unlisted: number): CodedError {
  const all = problems.length + unlisted;
  const count = all === 1 ? '1 problem' : `${all} problems`;
  const shown = all > limits.problemsShown ? `; the first ${limits.problemsShown} are listed` : '';
  return new CodedError('GRAPH_INVALID', `The graph has ${count}${shown}. Nothing was stored.`, { problems });
}
