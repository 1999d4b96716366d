import { CodedError, summarizeProblems } from '../../graph/errors.ts';
import type { Api } from '../dependencies.ts';
import { readJson } from '../read-json.ts';

/** Reads JSON bodies strictly; no other content type is known. */
export function readJsonBodies(app: Api): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => {
      if (body.length === 0) return null;
      const { value, problems, unlisted } = readJson(body);
      if (problems.length > 0) {
        const more = unlisted === 0 ? '' : `, and ${unlisted} that are not listed`;
        const message = `The body is not valid: ${summarizeProblems(problems)}${more}.`;
        throw new CodedError('REQUEST_INVALID', message, { problems });
      }
      return value;
    },
  );
}

/** In this scope a body is a `JsonDocument`: its problems are told together with those of its content. */
export function keepJsonProblems(scope: Api): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => readJson(body),
  );
}

/** In this scope a body is the stream of its bytes, whatever its content type. */
export function streamBodies(scope: Api): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}
