// The worker's process of the fault tests: as worker/main.ts is, with the kinds of these tests.
import { createKinds } from '../../../jobs/index.ts';
import { runWorker } from '../../../worker/run-worker.ts';
import { createFaultKinds } from './fault-kinds.ts';
import { openLatches } from './latches.ts';

await runWorker(createKinds(createFaultKinds(openLatches(process.env.FAULT_LATCHES ?? ''))));
