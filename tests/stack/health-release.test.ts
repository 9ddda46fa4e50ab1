import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../local/supabase-cli.ts';
import { isFresh } from '../../local/tools/generated-file.ts';
import { releaseFile, releaseText } from '../../local/tools/release.ts';

test('functions/health knows this version and its migrations (npm run health:release)', () => {
  expect(isFresh(releaseFile(PROJECT_ROOT), releaseText(PROJECT_ROOT))).toBe(true);
});
