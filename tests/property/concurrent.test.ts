import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/test-database.ts';
import {
  bookDifferences,
  describe,
  expectAnswer,
  expectEverythingSealed,
  expectFigures,
  expectSoundBooks,
} from './checks.ts';
import { racingIntents } from './intents.ts';
import { learn, nothingKnown } from './knowledge.ts';
import { answer } from './model/answer.ts';
import { opening } from './opening.ts';
import { perform } from './perform.ts';
import { plans } from './plan.ts';
import { countsOutOfOrder, type Happened, inOrder, race } from './race.ts';
import { parameters, timeout } from './runs.ts';
import { createWorld, type World } from './world.ts';

const db = await createTestDatabase('property_concurrent');
const RUNS = 20;
const LANES = 8;
const CALLS_PER_LANE = 16;
/** Few, so that orders meet on them. */
const VARIANTS = 3;

/** Answers that wrote are what the model answers when it is asked in their order. */
function replay(world: World, happened: readonly Happened[]): void {
  for (const [step, { call, answer: actual }] of happened.entries()) {
    const names = actual.kind === 'success' ? actual.columns : {};
    expectAnswer(actual, answer(world.shop, call, names), `replay ${step}: ${describe(call)}`);
  }
}

/** Of a key that several used at once, one call wrote; the others read its answer. */
function expectSameAnswers(world: World, happened: readonly Happened[]): void {
  const reread = happened.filter(({ answer, xid }) => answer.kind === 'success' && xid === null);
  replay(world, reread);
}

function expectNoFailure({ call, answer: actual }: Happened): void {
  if (actual.kind !== 'raised') return;
  expect(actual.sqlstate, `only a missing permission raises: ${describe(call)}`).toBe('42501');
  expect(['owner', 'service_role'], 'a backend may do everything').not.toContain(call.actor);
}

test(
  'calls from many connections at once end as if they had come one after the other (DESIGN section 4, rules 3 and 4)',
  async () => {
    const lanes = fc.array(
      fc.array(racingIntents, { minLength: CALLS_PER_LANE, maxLength: CALLS_PER_LANE }),
      { minLength: LANES, maxLength: LANES },
    );
    const races = fc.asyncProperty(plans(VARIANTS), lanes, async (plan, wishes) => {
      const before = await bookDifferences(db.sql);
      const world = await createWorld(db.sql, plan);
      const known = nothingKnown();
      for (const call of opening(world)) {
        const { answer: actual } = await perform(db.sql, call);
        replay(world, [{ call, answer: actual, xid: null }]);
        learn(known, call, actual);
      }
      const happened = await race(db.sql, world, known, wishes);
      happened.forEach(expectNoFailure);
      replay(world, await inOrder(db.sql, happened));
      expectSameAnswers(world, happened);
      await expectFigures(db.sql, world, 'the successes explain every figure');
      await expectSoundBooks(db.sql, world, before);
    });
    // Shrinking tells nothing here: the same calls meet in another way each time.
    await fc.assert(races, { ...parameters(RUNS), endOnFailure: true });
    expect(await countsOutOfOrder(db.sql)).toEqual([]);
    expect(await bookDifferences(db.sql)).toEqual([]);
    await expectEverythingSealed(db.sql);
  },
  timeout(RUNS),
);
