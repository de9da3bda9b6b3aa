import type { Kysely } from 'kysely';

/** Numbers by name that decide what may be removed: the counter of the claim on the blobs, and when was swept. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('remembered')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('value', 'bigint', (c) => c.notNull())
    .execute();
}
