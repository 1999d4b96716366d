// The worker's process, with the kinds that come with Graphrun.
import { createKinds } from '../jobs/index.ts';
import { runWorker } from './run-worker.ts';

await runWorker(createKinds());
