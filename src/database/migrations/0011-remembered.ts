import type { Kysely } from 'kysely';

/**
 * Numbers that decide on removals, by name: the claim counter of the blob store, the time of the last sweep and others.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('remembered')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('value', 'bigint', (c) => c.notNull())
    .execute();
}
