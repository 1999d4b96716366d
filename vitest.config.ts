import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Of the fault suite only its core; vitest.faults.config.ts runs all of it.
    exclude: ['test/faults/!(core)/**', 'node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Beside the tests run one Postgres, one Temporal server and what tests start. Most of a test's time is spent waiting for
    // them: on two processors three files at once end sooner than two, and more only wait for each other.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
  },
});
