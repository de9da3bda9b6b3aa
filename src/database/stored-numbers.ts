import type { Db } from './open.ts';
import type { RememberedTable } from './schema.ts';

type Name = RememberedTable['name'];

/** Reads a stored number; undefined if it was never written. */
export async function readNumber(db: Db, name: Name): Promise<number | undefined> {
  const row = await db.selectFrom('remembered').select('value').where('name', '=', name).executeTakeFirst();
  return row && Number(row.value);
}

/** Inserts or replaces a stored number. */
export async function writeNumber(db: Db, name: Name, value: number): Promise<void> {
  await db
    .insertInto('remembered')
    .values({ name, value })
    .onConflict((c) => c.column('name').doUpdateSet({ value }))
    .execute();
}

/** Increments a stored number, which starts at 0. @returns the new value, unique to this call */
export async function incrementNumber(db: Db, name: Name): Promise<number> {
  const { value } = await db
    .insertInto('remembered')
    .values({ name, value: 1 })
    .onConflict((c) => c.column('name').doUpdateSet((e) => ({ value: e('remembered.value', '+', 1) })))
    .returning('value')
    .executeTakeFirstOrThrow();
  return Number(value);
}
