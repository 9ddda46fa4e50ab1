import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { type History, type Problem, type Walk, walkChain } from './chain.ts';

const checkpoint = z.strictObject({
  format: z.literal('order-ledger checkpoint 1'),
  sealNumber: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  epoch: z.int(),
  lastEventId: z.int(),
  eventCount: z.int(),
  sealedAt: z.string(),
  database: z.string(),
});
export type Checkpoint = z.infer<typeof checkpoint>;

export const signedCheckpoint = z.strictObject({
  checkpoint,
  algorithm: z.literal('Ed25519'),
  keyFingerprint: z.string(),
  signature: z.string(),
});
export type SignedCheckpoint = z.infer<typeof signedCheckpoint>;

/** The bytes that are signed: the members by name, without blanks. */
const signedBytes = (content: Checkpoint): Buffer =>
  Buffer.from(
    JSON.stringify(
      Object.fromEntries(Object.entries(content).sort(([a], [b]) => Number(a > b) - Number(a < b))),
    ),
  );

/** SHA-256 of a public key, to tell keys apart. */
export const fingerprintOf = (publicKey: KeyObject): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

export function signCheckpoint(content: Checkpoint, privateKey: KeyObject): SignedCheckpoint {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('the key is no Ed25519 key');
  return {
    checkpoint: content,
    algorithm: 'Ed25519',
    keyFingerprint: fingerprintOf(createPublicKey(privateKey)),
    signature: sign(null, signedBytes(content), privateKey).toString('base64'),
  };
}

export const isSignedBy = (signed: SignedCheckpoint, publicKey: KeyObject): boolean =>
  publicKey.asymmetricKeyType === 'ed25519' &&
  verify(null, signedBytes(signed.checkpoint), publicKey, Buffer.from(signed.signature, 'base64'));

export interface Verdict extends Walk {
  checkpoint: Checkpoint;
  holds: boolean;
}

/** Whether a history, recomputed from its events, still leads to the seal of a checkpoint. */
export async function verifyCheckpoint(
  content: Checkpoint,
  history: History,
  onSeal: (sealNumber: number) => void = () => {},
): Promise<Verdict> {
  const kept: Problem[] = [];
  const say = (problem: string) => kept.push({ sealNumber: content.sealNumber, problem });
  let isThere = false;
  const walk = await walkChain(history, (seal, eventsSoFar) => {
    onSeal(seal.seal_number);
    if (seal.seal_number !== content.sealNumber) return;
    isThere = true;
    if (seal.hash !== content.hash) say('is not the seal of the checkpoint: history was rewritten');
    else if (
      seal.epoch !== content.epoch ||
      seal.last_event_id !== content.lastEventId ||
      eventsSoFar !== content.eventCount
    ) {
      say('has the hash of the checkpoint, but not its events');
    }
  });
  if (!isThere)
    say('of the checkpoint is not there: seals were removed, or this is an older state');
  const problems = [...walk.problems, ...kept];
  return { ...walk, checkpoint: content, problems, holds: problems.length === 0 };
}
