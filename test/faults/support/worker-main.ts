// The worker's process of the fault tests: as worker/main.ts is, with the kinds of these tests. FAULT_WORKFLOWS names a file
// whose workflows it has in place of ours: a broken deploy.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { createKinds } from '../../../jobs/index.ts';
import { runWorker } from '../../../worker/run-worker.ts';
import { createFaultKinds } from './fault-kinds.ts';
import { openLatches } from './latches.ts';

const { FAULT_LATCHES = '', FAULT_WORKFLOWS } = process.env;
const kinds = createKinds(createFaultKinds(openLatches(FAULT_LATCHES)));

if (FAULT_WORKFLOWS === undefined) await runWorker(kinds);
else
  await runWorker(kinds, async (logger) => {
    const { code } = await bundleWorkflowCode({ workflowsPath: FAULT_WORKFLOWS, logger });
    const codePath = join(FAULT_LATCHES, `workflows-${process.pid}.js`);
    await writeFile(codePath, code);
    return { codePath };
  });
