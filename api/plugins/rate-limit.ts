import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import { CodedError } from '../../graph/errors.ts';
import type { Api } from '../dependencies.ts';

export const requestsPerSecondMax = 600;

/** Per API key once it is known, else per address (of IPv6 its network, within which addresses are free to choose). */
export async function limitRates(app: Api, max: number): Promise<void> {
  await app.register(rateLimit, {
    max,
    timeWindow: 1_000,
    enableDraftSpec: true,
    keyGenerator: (request) => request.actor || normalizeIP(request.ip),
    errorResponseBuilder: (_request, { max: allowed }) =>
      new CodedError(
        'RATE_LIMITED',
        `More than ${allowed} requests in a second; wait for as long as Retry-After says.`,
      ),
  });
}
