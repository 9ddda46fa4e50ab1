import { describe, expect, test } from 'vitest';
import { listTestFiles, runTestFiles } from '../local/tools/pgtap-runner/pgtap-run.ts';
import { createTestDatabase } from './support/test-database.ts';

// The files run while the tests are collected, so that each assertion is a test by its name.
const db = await createTestDatabase('pgtap');
const url = db.server.url('postgres', db.name);

for await (const { name, assertions, problem } of runTestFiles(url, listTestFiles())) {
  describe(name, () => {
    for (const assertion of assertions) {
      test(assertion.name, () => {
        expect(assertion.ok, assertion.diagnostics).toBe(true);
      });
    }
    test('runs to its end with the number of assertions it planned', () => {
      expect(problem).toBeUndefined();
    });
  });
}
