import { z } from 'zod';

/** Postgres takes UUIDs of every version, so no version is asked for. */
export const id = (description: string) => z.guid().describe(description);

/**
 * Postgres counts a text's characters as code points, as JSON Schema does, where JavaScript counts
 * UTF-16 units; and it cannot store a NUL.
 */
export const text = (minimum: number, maximum: number, description: string) =>
  z
    .string()
    .refine((value) => isWithin(minimum, [...value].length, maximum), {
      error: `must have ${minimum} to ${maximum} characters`,
    })
    .refine((value) => !value.includes('\u0000'), { error: 'must not contain a NUL character' })
    .meta({ description, minLength: minimum, maxLength: maximum });

const isWithin = (minimum: number, value: number, maximum: number) =>
  minimum <= value && value <= maximum;

/** A whole number of minor units that JSON keeps exactly. */
export const amount = (description: string) =>
  z.int().min(0).describe(`${description} In minor units of the currency.`);

export const positiveAmount = (description: string) =>
  z.int().min(1).describe(`${description} In minor units of the currency.`);

export const signedAmount = (description: string) =>
  z.int().describe(`${description} In minor units of the currency, signed.`);

export const units = (description: string) => z.int().min(0).describe(`${description} In units.`);

export const basisPoints = (description: string) =>
  z.int().min(0).max(10_000).describe(`${description} In basis points: 500 is 5 %.`);

export const currency = (description: string) =>
  z
    .string()
    .regex(/^[A-Z]{3}$/, { error: 'must be the three capitals of ISO 4217, such as USD' })
    .describe(`${description} ISO 4217.`);

/** A moment as PostgREST writes it, such as 2026-01-31T12:00:00.123456+00:00. */
export const moment = (description: string) =>
  z.iso.datetime({ offset: true }).describe(`${description} ISO 8601.`);

/** JSON of the caller's own: its keys stay as they are on their way to the database. */
export const jsonObject = (description: string) =>
  z.record(z.string(), z.json()).describe(description);

export const notes = (description: string) => text(0, 2000, description);

export const metadata = jsonObject('Anything the caller wants to keep with it; at most 16 KB.');

/** For staff and backends: whose call it is. */
export const customerId = id('The customer, when that is not the caller. For staff and backends.');

/** For backends: who is recorded as acting. */
export const actorId = id('Who acts, when a backend calls on behalf of a person.');

export const transactionId = id('The transaction that was written.');

export const availableBalance = signedAmount('What the wallet can spend from now on.');

/** The same or null; the description says both. */
export const orNull = <T extends z.ZodType>(schema: T) =>
  schema.nullable().describe(schema.description ?? '');
