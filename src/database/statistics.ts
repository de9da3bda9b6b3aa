import { sql } from 'kysely';
import { type Db, isShared } from './open.ts';

/** Rows that a table must have changed by, beside half of its own, to be looked at again. */
const CHANGED_ROWS = 200;

/**
 * Has Postgres look at tables that have grown or changed much. Its own daemon comes by once a minute at the most, and
 * until then a table that was empty is taken for small: rows are looked for by whichever index comes first, and those who
 * bring thousands of tasks to a new database wait for it.
 */
export async function refreshStatistics(db: Db): Promise<void> {
  if (!isShared(db)) return;
  const { rows } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, stats.relname) as name from pg_stat_user_tables as stats join pg_class on pg_class.oid = relid
    where schemaname in (current_schema(), 'openworkflow')
      and n_mod_since_analyze > ${CHANGED_ROWS}::int + greatest(reltuples, 0) / 2
      and pg_has_role(relowner, 'usage')`.execute(db);
  for (const { name } of rows) await sql`analyze ${sql.raw(name)}`.execute(db);
}
