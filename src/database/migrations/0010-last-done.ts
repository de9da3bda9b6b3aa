import type { Kysely } from 'kysely';

/** When one of several nodes last did what is enough to be done by one of them once in a while. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('last_done')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .execute();
}
