import { limits } from '../../graph/limits.ts';
import { eventPageSchema } from '../../graph/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { eventQuery } from '../request-schemas.ts';

const tags = ['events'];

/** /events */
export function eventRoutes(app: Api, { store }: Dependencies): void {
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
    ({ query: { cursor, after, ...rest } }) => store.events.list({ after: cursor ?? after, ...rest }),
  );
}
