import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** `reelvec_fold(text)`: letters of any script in lower case, whatever the locale of the database. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // SQLite's is made of JavaScript when the file is opened
  if (!(db.getExecutor().adapter instanceof PostgresAdapter)) return;
  await sql`
    create function reelvec_fold(text) returns text language sql immutable parallel safe
    return lower($1 collate "und-x-icu")
  `.execute(db);
}
