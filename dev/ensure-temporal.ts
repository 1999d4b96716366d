// Called by setup.mjs, so that `npm start` and `npm test` find a Temporal server at hand.
import { consoleReport } from './console-report.ts';
import { ensureTemporalCli } from './temporal-install.ts';

const report = consoleReport(process.stderr);
const note = (text: string) => report.note('temporal', text);
if (process.env.TEMPORAL_ADDRESS) {
  note(`TEMPORAL_ADDRESS is set (${process.env.TEMPORAL_ADDRESS}): no server is installed`);
} else {
  try {
    const cli = await ensureTemporalCli({ note, progress: (text) => report.progress('temporal', text) });
    if (cli.origin === 'downloaded' || cli.origin === 'built') note(`${cli.origin}: ${cli.path}`);
  } catch (error) {
    note(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
