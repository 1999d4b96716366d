import { isGrpcServiceError, ServiceError } from '@temporalio/client';

const grpcNotFound = 5;

/** The server does not have it: it was deleted, or its retention is over. */
export function isNotFound(error: unknown): boolean {
  if (error instanceof Error && error.name === 'WorkflowNotFoundError') return true;
  return isGrpcServiceError(error) && error.code === grpcNotFound;
}

/** The server could not be asked, or did not answer as it should. */
export function isTemporalError(error: unknown): boolean {
  return error instanceof ServiceError || isGrpcServiceError(error);
}
