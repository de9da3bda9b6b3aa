import type { Db } from './open.ts';
import type { RememberedTable } from './schema.ts';

type Name = RememberedTable['name'];

export async function readNumber(db: Db, name: Name): Promise<number | undefined> {
  const row = await db.selectFrom('remembered').select('value').where('name', '=', name).executeTakeFirst();
  return row && Number(row.value);
}

export async function writeNumber(db: Db, name: Name, value: number): Promise<void> {
  await db
    .insertInto('remembered')
    .values({ name, value })
    .onConflict((c) => c.column('name').doUpdateSet({ value }))
    .execute();
}

/** Adds 1 to a number, which is 0 at first. @returns the new value, which no other call gets */
export async function incrementNumber(db: Db, name: Name): Promise<number> {
  const { value } = await db
    .insertInto('remembered')
    .values({ name, value: 1 })
    .onConflict((c) => c.column('name').doUpdateSet((e) => ({ value: e('remembered.value', '+', 1) })))
    .returning('value')
    .executeTakeFirstOrThrow();
  return Number(value);
}
