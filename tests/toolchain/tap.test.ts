import { expect, test } from 'vitest';
import { readTap } from '../../local/tools/pgtap-runner/tap.ts';

test('each assertion has its name, outcome and what was said of it', () => {
  expect(readTap(['1..2', 'ok 1 - a thing', 'not ok 2', '# have: 1', '# want: 2'])).toEqual({
    assertions: [
      { name: 'a thing', ok: true, diagnostics: '' },
      { name: 'assertion 2', ok: false, diagnostics: 'have: 1\nwant: 2\n' },
    ],
  });
});

test('an assertion that is to do or skipped does not fail', () => {
  const { assertions } = readTap(['1..2', 'not ok 1 - later # TODO soon', 'ok 2 # SKIP no such']);
  expect(assertions.map(({ ok }) => ok)).toEqual([true, true]);
});

test('a report without a plan, or with another number of assertions, is a problem', () => {
  expect(readTap(['ok 1 - a thing']).problem).toBe('there is no plan');
  expect(readTap(['1..2', 'ok 1 - a thing']).problem).toBe('2 planned, 1 ran');
});
