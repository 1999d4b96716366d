import { CodedError } from '../../graph/errors.ts';
import type { Api } from '../dependencies.ts';

/** While the server stops, requests under way end as usual and new ones are told to come again. */
export function refuseWhileStopping(app: Api): void {
  let stopping = false;
  app.addHook('preClose', async () => {
    stopping = true;
  });
  app.addHook('onRequest', async () => {
    if (stopping)
      throw new CodedError('SHUTTING_DOWN', 'The server is stopping; try again in a few seconds.');
  });
}
