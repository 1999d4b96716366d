// A process of its own, since the SDK's download cannot be ended from outside: node dev/temporal-download.ts DIR VERSION
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [downloadDir, version] = process.argv.slice(2);
if (downloadDir === undefined || version === undefined) {
  throw new Error('usage: node dev/temporal-download.ts DIR VERSION');
}

try {
  // The SDK downloads only by starting a server.
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir, version } },
  });
  await environment.teardown();
} catch (error) {
  // Its message repeats itself, once for each cause.
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message.replaceAll(/error sending request for url \([^)]*\): /g, '')}\n`);
  process.exitCode = 1;
}
