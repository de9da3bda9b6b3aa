import type { Kysely } from 'kysely';

/** Time of the last run of cluster-wide periodic work. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('last_done')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .execute();
}
