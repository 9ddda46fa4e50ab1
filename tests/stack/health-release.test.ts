import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { isFresh } from '../../local/tools/generate/generated-file.ts';
import { releaseFile, releaseText } from '../../local/tools/generate/release.ts';

test('functions/health knows this version and its migrations (npm run health:release)', () => {
  expect(isFresh(releaseFile(PROJECT_ROOT), releaseText(PROJECT_ROOT))).toBe(true);
});
