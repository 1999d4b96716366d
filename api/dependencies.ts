import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Kinds } from '../graph/kinds.ts';
import type { Store } from '../store/store.ts';
import type { Inspector } from '../watch/inspector.ts';
import type { Starter } from '../watch/starter.ts';

/** What the routes work with; tests hand in their own. */
export interface Dependencies {
  readonly store: Store;
  readonly temporal: Starter;
  readonly kinds: Kinds;
  readonly inspector: Inspector;
}

/** The app as routes see it: types of params, query, body and replies follow from their zod schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
