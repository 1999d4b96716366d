// Prints `N passed, N failed` of vitest's JSON report; the static checks count as one test.
import { readFileSync } from 'node:fs';

const [, , file, staticStatus, testStatus] = process.argv;

function readReport() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1 };
  }
}

const report = readReport();
const staticFailed = staticStatus === '0' ? 0 : 1;
// A suite that cannot be loaded fails without a failed test.
const failed = Math.max(report.numFailedTests + staticFailed, testStatus === '0' ? 0 : 1);
console.log(`${report.numPassedTests + 1 - staticFailed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
