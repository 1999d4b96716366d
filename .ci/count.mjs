// Prints `N passed, N failed` over suites, each given as NAME=STATUS, after what each failed test said: a log that is
// cut keeps its end. A suite whose name is a file is vitest's JSON report; any other counts as one test.
import { readFileSync } from 'node:fs';

const MESSAGE_LIMIT = 2_000;

const counts = process.argv.slice(2).map((suite) => {
  const at = suite.lastIndexOf('=');
  return count(suite.slice(0, at), suite.slice(at + 1) === '0');
});
const passed = counts.reduce((sum, suite) => sum + suite.passed, 0);
const failed = counts.reduce((sum, suite) => sum + suite.failed, 0);
for (const failure of counts.flatMap((suite) => suite.failures)) console.log(`FAILED ${failure}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function count(name, succeeded) {
  if (!name.endsWith('.json')) {
    return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, failures: succeeded ? [] : [name] };
  }
  const { numPassedTests, numFailedTests, testResults = [] } = readReport(name);
  const failures = testResults.filter(({ status }) => status === 'failed').flatMap(failuresOf);
  if (!succeeded && failures.length === 0)
    failures.push(`${name}: the suite ended with an error and no failed test`);
  // A suite that cannot be loaded fails without a failed test.
  return { passed: numPassedTests, failed: Math.max(numFailedTests, succeeded ? 0 : 1), failures };
}

function failuresOf({ name, message, assertionResults }) {
  const tests = assertionResults.filter(({ status }) => status === 'failed');
  if (tests.length === 0) return [cut(`${name}\n${message}`)];
  return tests.map(({ fullName, failureMessages }) =>
    cut(`${name} > ${fullName}\n${failureMessages.join('\n')}`),
  );
}

function cut(text) {
  return text.length > MESSAGE_LIMIT ? `${text.slice(0, MESSAGE_LIMIT)} …` : text;
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1 };
  }
}
