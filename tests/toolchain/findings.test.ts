import { expect, test } from 'vitest';
import { judge } from '../../local/tools/lint/findings.ts';

const finding = { lint: 'security_definer_view', object: 'public.v', detail: 'is one' };
const reason = 'argued in the design';

test('a finding without an exception is wrong', () => {
  expect(judge([finding], [])).toEqual(['security_definer_view: public.v: is one']);
});

test('an exception covers its own lint and object alone', () => {
  expect(judge([finding], [{ lint: finding.lint, object: 'public.*', reason }])).toEqual([]);
  expect(
    judge([finding], [{ lint: finding.lint, object: 'public.*', says: 'is one', reason }]),
  ).toEqual([]);
  expect(
    judge([finding], [{ lint: finding.lint, object: 'public.*', says: 'is two', reason }]),
  ).toHaveLength(2);
  expect(judge([finding], [{ lint: 'other', object: 'public.v', reason }])).toHaveLength(2);
});

test('an exception that nothing needs is wrong', () => {
  expect(judge([], [{ lint: 'x', object: 'public.v', reason }])).toEqual([
    'advisors.json: nothing needs x for public.v',
  ]);
});
