import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Generous, for a busy machine: nothing here waits for a time to pass.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
