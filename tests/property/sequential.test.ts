import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Sql } from '../support/connection.ts';
import { createTestDatabase } from '../support/test-database.ts';
import {
  bookDifferences,
  describe,
  expectAnswer,
  expectEverythingSealed,
  expectFigures,
  expectSoundBooks,
} from './checks.ts';
import { edit } from './edit.ts';
import { intents } from './intents.ts';
import { learn, nothingKnown } from './knowledge.ts';
import { answer } from './model/answer.ts';
import type { Answer, Call } from './model/calls.ts';
import { opening } from './opening.ts';
import { perform } from './perform.ts';
import { plans } from './plan.ts';
import { resolve } from './resolve.ts';
import { parameters, timeout } from './runs.ts';
import { createWorld, type World } from './world.ts';

const db = await createTestDatabase('property_sequential');
const RUNS = 40;

async function play(sql: Sql, world: World, call: Call, about: string): Promise<Answer> {
  const { answer: actual } = await perform(sql, call);
  const names = actual.kind === 'success' ? actual.columns : {};
  expectAnswer(actual, answer(world.shop, call, names), about);
  if (call.procedure !== 'order_quote') await expectFigures(sql, world, about);
  return actual;
}

test(
  'every answer and every figure is the model’s, whatever is called by whomever (DESIGN sections 4 to 6, sources 003 and 004)',
  async () => {
    const plays = fc.asyncProperty(
      plans(6),
      fc.noBias(fc.array(intents, { minLength: 1, maxLength: 80, size: 'max' })),
      async (plan, wishes) => {
        const before = await bookDifferences(db.sql);
        const world = await createWorld(db.sql, plan);
        const known = nothingKnown();
        for (const call of opening(world)) {
          expect((await play(db.sql, world, call, describe(call))).kind).toBe('success');
        }
        for (const [step, wish] of wishes.entries()) {
          if (wish.kind === 'edit') {
            await edit(db.sql, world, wish.change);
            continue;
          }
          const call = resolve(wish, world, known);
          if (!call) continue;
          known.calls.push(call);
          learn(known, call, await play(db.sql, world, call, `step ${step}: ${describe(call)}`));
        }
        await expectSoundBooks(db.sql, world, before);
      },
    );
    await fc.assert(plays, parameters(RUNS));
    expect(await bookDifferences(db.sql)).toEqual([]);
    await expectEverythingSealed(db.sql);
  },
  timeout(RUNS),
);
