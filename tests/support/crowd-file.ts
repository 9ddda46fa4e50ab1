import { afterAll, test } from 'vitest';
import { expectBooksSealed, expectNoDeadlock } from './books.ts';
import { type Crowd, gatherCrowd } from './sessions.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

/** A database and a crowd for a test file of races. To be called at the top of the file. */
export async function startCrowd(
  name: string,
  size: number,
): Promise<{ db: TestDatabase; crowd: Crowd }> {
  const db = await createTestDatabase(name);
  const crowd = await gatherCrowd(db, size);
  afterAll(() => crowd.close());
  return { db, crowd };
}

/** The last test of a file of races. */
export function testThatBooksAreInOrder(db: TestDatabase, crowd?: Crowd): void {
  test('in the end every sum of the books is right, every seal holds, and there was no deadlock', async () => {
    await crowd?.close();
    await expectNoDeadlock(db.sql);
    await expectBooksSealed(db.sql);
  });
}
