import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { CodedError } from '../graph/errors.ts';

const grpcInvalidArgument = 3;
const grpcNotFound = 5;
const grpcAlreadyExists = 6;

/** The server does not have it: it was deleted, or its retention is over. */
export function isNotFound(error: unknown): boolean {
  if (error instanceof Error && error.name === 'WorkflowNotFoundError') return true;
  return isGrpcServiceError(error) && error.code === grpcNotFound;
}

export function isAlreadyThere(error: unknown): boolean {
  return isGrpcServiceError(error) && error.code === grpcAlreadyExists;
}

/** The server could not be asked, or did not answer as it should. */
export function isTemporalError(error: unknown): boolean {
  return error instanceof ServiceError || isGrpcServiceError(error);
}

/** What the server itself finds wrong with what it was given, as when it does not know a time zone; else undefined. */
export function refusalOf(error: unknown): string | undefined {
  const cause = error instanceof CodedError ? error.cause : error;
  return isGrpcServiceError(cause) && cause.code === grpcInvalidArgument ? cause.details : undefined;
}
