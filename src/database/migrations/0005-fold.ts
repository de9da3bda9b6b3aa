import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** `reelvec_fold(text)`: lower-cases letters of any script, independent of the database locale. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // For SQLite, a JavaScript function is registered on open.
  if (!(db.getExecutor().adapter instanceof PostgresAdapter)) return;
  await sql`
    create function reelvec_fold(text) returns text language sql immutable parallel safe
    return lower($1 collate "und-x-icu")
  `.execute(db);
}
