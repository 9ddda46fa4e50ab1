import { createHmac, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { readIfThere, writeSecretFile } from './files.ts';

const keysSchema = z.object({
  jwtSecret: z.string().min(32),
  publishableKey: z.string().startsWith('sb_publishable_'),
  secretKey: z.string().startsWith('sb_secret_'),
  /** What the gateway puts in the place of a publishable key; also works as a legacy key. */
  anonJwt: z.string(),
  /** The same for a secret key. */
  serviceRoleJwt: z.string(),
});

export type Keys = z.infer<typeof keysSchema>;

const random = (bytes: number) => randomBytes(bytes).toString('base64url');

export function jwtSecretBytes(keys: Keys): Uint8Array {
  return new TextEncoder().encode(keys.jwtSecret);
}

export async function createKeys(): Promise<Keys> {
  const jwtSecret = random(48);
  const roleJwt = (role: string) =>
    new SignJWT({ role })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer('supabase')
      .setIssuedAt()
      .setExpirationTime('10 years')
      .sign(new TextEncoder().encode(jwtSecret));
  return {
    jwtSecret,
    publishableKey: `sb_publishable_${random(24)}`,
    secretKey: `sb_secret_${random(24)}`,
    anonJwt: await roleJwt('anon'),
    serviceRoleJwt: await roleJwt('service_role'),
  };
}

/** The keys of a data folder, made when it is first used and the same ever after. */
export async function loadKeys(dataDir: string): Promise<Keys> {
  const file = join(dataDir, 'keys.json');
  const stored = await readIfThere(file);
  if (stored !== undefined) return keysSchema.parse(JSON.parse(stored));

  const keys = await createKeys();
  await mkdir(dataDir, { recursive: true });
  await writeSecretFile(file, keys);
  return keys;
}

/** A password that only holders of the data folder's secret know, without a file of its own. */
export function demoPassword(keys: Keys, email: string): string {
  return createHmac('sha256', keys.jwtSecret)
    .update(`demo user ${email}`)
    .digest('base64url')
    .slice(0, 20);
}
