import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest first, so that it is not what everybody waits for at the end. */
class DatabaseFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isDatabase = ({ moduleId }: TestSpecification) => moduleId.endsWith('/database.test.ts');
    const sorted = await super.sort(files);
    return [...sorted.filter(isDatabase), ...sorted.filter((file) => !isDatabase(file))];
  }
}

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    sequence: { sequencer: DatabaseFirst },
    pool: 'forks',
    maxWorkers: 2,
    // A worker loads the libraries once and not for every file; what a file changes of its process it puts back.
    isolate: false,
    // Generous, for a busy machine: nothing here waits for a time to pass.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
