import type { FastifyError, FastifyRequest } from 'fastify';
import { CodedError, errorTable } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import type { ProblemView } from '../graph/resources.ts';

export const problemMediaType = 'application/problem+json';

/** The RFC 9457 form of an error. An error of ours that is not the caller's doing tells nothing of its insides. */
export function problemOf(error: CodedError): ProblemView {
  const { status, title } = errorTable[error.code];
  const shown = error.problems.slice(0, limits.problemsShown);
  return {
    type: 'about:blank',
    title,
    status,
    code: error.code,
    detail: error.message,
    ...(shown.length > 0 && { problems: [...shown] }),
    ...(status < 500 && Object.keys(error.data).length > 0 && { data: error.data }),
  };
}

/** Gives every error a code of the table: the one place where errors of the framework are translated. */
export function toCodedError(error: FastifyError | Error, request: FastifyRequest): CodedError {
  if (error instanceof CodedError) return error;
  const cause = error;
  switch ('code' in error ? error.code : undefined) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': {
      const message = `The body has more than ${request.routeOptions.bodyLimit} bytes, which is the limit here.`;
      return new CodedError('BODY_TOO_LARGE', message, { cause });
    }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const message = `The content type ${JSON.stringify(request.headers['content-type'] ?? '')} is not read here; send application/json.`;
      return new CodedError('MEDIA_TYPE_UNSUPPORTED', message, { cause });
    }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new CodedError('LENGTH_MISMATCH', 'The body is not as long as its Content-Length says.', {
        cause,
      });
    case 'FST_ERR_BAD_URL':
      return new CodedError('REQUEST_INVALID', 'The path is not a valid URL: check its percent-encoding.', {
        cause,
      });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new CodedError('REQUEST_INVALID', 'A part of the path is longer than any name can be.', {
        cause,
      });
  }
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (status !== undefined && status >= 400 && status < 500) {
    return new CodedError('REQUEST_INVALID', `The request was not understood: ${error.message}.`, { cause });
  }
  const message = `Something broke in Graphrun; its log has the cause under request ${request.id}.`;
  return new CodedError('INTERNAL', message, { cause });
}
