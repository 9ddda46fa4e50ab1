import { z } from 'zod';
import { supabaseCli } from '../../database/supabase-cli.ts';
import type { Finding } from './findings.ts';

const answerSchema = z.object({
  results: z.array(
    z.object({
      name: z.string(),
      level: z.enum(['INFO', 'WARN', 'ERROR']),
      detail: z.string(),
      cacheKey: z.string(),
      metadata: z.object({ schema: z.string(), name: z.string() }).partial(),
    }),
  ),
});

/** What the platform's advisors say of a database at WARN and above. */
export async function adviseOn(databaseUrl: string): Promise<Finding[]> {
  const words = [`--remote=${databaseUrl}`, '--level', 'warn', '--fail-on', 'none'];
  const answer = await supabaseCli(['db', 'advisors', ...words, '--output-format', 'json']);
  return answerSchema
    .parse(JSON.parse(answer))
    .results.map(({ name: lint, detail, cacheKey, metadata: { schema, name } }) => ({
      lint,
      object: schema && name ? `${schema}.${name}` : cacheKey,
      detail,
    }));
}
