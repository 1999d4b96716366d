import { CodedError } from '../graph/errors.ts';
import type { Explanation, Verification, Verifications } from '../graph/inspections.ts';
import type { PageRequest, RunListFilter, Store } from '../store/store.ts';
import { explainGraphRun, explainJobRun } from './explain.ts';
import { isTemporalError } from './temporal-errors.ts';
import type { TemporalView } from './temporal-view.ts';
import { verifyGraphRun, verifyJobRun } from './verify.ts';
import { verifyRuns } from './verify-runs.ts';

/** Holds runs against what Temporal says of them; changes nothing. */
export interface Inspector {
  /** @throws CodedError GRAPH_RUN_UNKNOWN, TEMPORAL_UNAVAILABLE */
  verifyGraphRun(id: string): Promise<Verification>;
  /** @throws CodedError JOB_RUN_UNKNOWN, TEMPORAL_UNAVAILABLE */
  verifyJobRun(id: string): Promise<Verification>;
  /** A page of all runs, newest first. @throws CodedError PROJECT_UNKNOWN, CURSOR_INVALID, TEMPORAL_UNAVAILABLE */
  verifyRuns(filter: RunListFilter, page: PageRequest): Promise<Verifications>;
  /** Why a run is not done; from its rows alone while Temporal is away. @throws CodedError GRAPH_RUN_UNKNOWN */
  explainGraphRun(id: string): Promise<Explanation>;
  /** @throws CodedError JOB_RUN_UNKNOWN */
  explainJobRun(id: string): Promise<Explanation>;
}

export interface InspectorDependencies {
  readonly store: Pick<Store, 'runs' | 'jobRuns' | 'graphs'>;
  readonly temporal: TemporalView;
  /** Where runs are started. */
  readonly taskQueue: string;
}

export function createInspector(deps: InspectorDependencies): Inspector {
  return {
    verifyGraphRun: (id) => verifyGraphRun(deps, id).catch(translate),
    verifyJobRun: (id) => verifyJobRun(deps, id).catch(translate),
    verifyRuns: (filter, page) => verifyRuns(deps, filter, page).catch(translate),
    explainGraphRun: (id) => explainGraphRun(deps, id),
    explainJobRun: (id) => explainJobRun(deps, id),
  };
}

function translate(error: unknown): never {
  if (!isTemporalError(error)) throw error;
  throw new CodedError('TEMPORAL_UNAVAILABLE', 'Temporal (TEMPORAL_ADDRESS) does not answer as it should.', {
    cause: error,
  });
}
