import type { Readable } from 'node:stream';
import { z } from 'zod';
import { limits } from '../../graph/limits.ts';
import { eventPageSchema } from '../../graph/resources.ts';
import type { Events } from '../../store/event-feed.ts';
import { logSparingly } from '../../watch/log-sparingly.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { type EventStream, openEventStream } from '../event-stream.ts';
import { createEventTail } from '../event-tail.ts';
import type { Metrics } from '../metrics.ts';
import { eventQuery, lastEventIdHeader, streamQuery } from '../request-schemas.ts';

const tags = ['events'];
const textStream = z.custom<Readable>().meta({ type: 'string' });

/** /events and /events/stream */
export function eventRoutes(app: Api, { store }: Dependencies, { eventStreams }: Metrics): void {
  listRoute(app, store.events);
  streamRoute(app, store.events, eventStreams);
}

function listRoute(app: Api, events: Events): void {
  app.get(
    '/events',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists what happened, oldest first',
        description:
          'Events are numbered in order of commit, without gaps. Whoever asks again with `after` set to `readTo` sees every ' +
          `event once. They are kept for ${limits.eventsKeptDays} days; an older \`after\` is refused with 410 and the oldest number.`,
        querystring: eventQuery,
        response: { 200: eventPageSchema },
      },
    },
    ({ query: { cursor, after, ...rest } }) => events.list({ after: cursor ?? after, ...rest }),
  );
}

function streamRoute(app: Api, events: Events, openStreams: Metrics['eventStreams']): void {
  const tail = createEventTail({
    events,
    onError: logSparingly(app.log, 'the feed cannot be read; its streams wait'),
  });
  const streams = new Set<EventStream>();
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.end();
  });

  app.get(
    '/events/stream',
    {
      config: { permission: 'read', isStream: true },
      // It would wait for an end that does not come.
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'Streams what happens, as server-sent events',
        description:
          'Each event is a message, with its number as `id` and its JSON as `data`. A stream that breaks off goes on without a ' +
          'gap where it is asked for with the header Last-Event-ID, as EventSource does. What came before is sent first.',
        querystring: streamQuery,
        headers: lastEventIdHeader,
        response: {
          200: {
            description: 'The stream; it ends when the server stops, or when its reader is too slow.',
            content: { 'text/event-stream': { schema: textStream } },
          },
        },
      },
    },
    async ({ query, headers, log }, reply) => {
      const { after: asked, ...filter } = query;
      // What is refused is refused before the stream begins.
      const first = await events.list({
        after: headers['last-event-id'] ?? asked,
        limit: 1,
        ...filter,
      });
      const after = headers['last-event-id'] ?? (asked === 'latest' ? first.readTo : asked);
      const stream = openEventStream({
        after,
        follow: (signal) => tail.follow(after, filter, signal),
        onError: (error) => log.info({ err: error }, 'an event stream was cut off'),
      });
      streams.add(stream);
      openStreams.set(streams.size);
      stream.body.once('close', () => {
        streams.delete(stream);
        openStreams.set(streams.size);
      });
      reply.type('text/event-stream').header('x-accel-buffering', 'no');
      return reply.send(stream.body);
    },
  );
}
