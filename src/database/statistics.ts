import { sql } from 'kysely';
import { type Db, isShared } from './open.ts';

/** Minimum changed rows of a table, beside half of its size, before it is analyzed. */
const MIN_CHANGED_ROWS = 200;

/**
 * Runs ANALYZE on Postgres tables that changed a lot. Autovacuum runs once a minute at most; until then the planner
 * treats a table that was empty as small and may choose a wrong index, so that clients which bring thousands of tasks
 * to a new database have to wait.
 */
export async function refreshStatistics(db: Db): Promise<void> {
  if (!isShared(db)) return;
  const { rows } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, stats.relname) as name from pg_stat_user_tables as stats join pg_class on pg_class.oid = relid
    where schemaname in (current_schema(), 'openworkflow')
      and n_mod_since_analyze > ${MIN_CHANGED_ROWS}::int + greatest(reltuples, 0) / 2
      and pg_has_role(relowner, 'usage')`.execute(db);
  for (const { name } of rows) await sql`analyze ${sql.raw(name)}`.execute(db);
}
