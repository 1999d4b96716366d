// Prints `N passed, N failed` over suites, each given as NAME=STATUS. A suite whose name is a file is vitest's JSON
// report; any other counts as one test.
import { readFileSync } from 'node:fs';

const counts = process.argv.slice(2).map((suite) => {
  const at = suite.lastIndexOf('=');
  return count(suite.slice(0, at), suite.slice(at + 1) === '0');
});
const passed = counts.reduce((sum, suite) => sum + suite.passed, 0);
const failed = counts.reduce((sum, suite) => sum + suite.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function count(name, succeeded) {
  if (!name.endsWith('.json')) return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1 };
  const { numPassedTests, numFailedTests } = readReport(name);
  // A suite that cannot be loaded fails without a failed test.
  return { passed: numPassedTests, failed: Math.max(numFailedTests, succeeded ? 0 : 1) };
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1 };
  }
}
