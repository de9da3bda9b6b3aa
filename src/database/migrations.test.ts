import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql, type TableMetadata } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from './migrations.ts';
import { openSqlite } from './sqlite.ts';

const names = Object.keys(migrations);

/** Value for a column without a database default. */
function valueFor({ dataType }: TableMetadata['columns'][number], seed: number): string | number {
  return /int|double/i.test(dataType) ? seed : `v${seed}`;
}

for (const [i, name] of names.slice(1).entries()) {
  const before = names[i]!;
  test(`${name} leaves a node of ${before} all that it reads, and takes all that it writes`, async () => {
    const db = openSqlite(':memory:');
    const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
    const tables = () => db.introspection.getTables();
    const write = async (known: TableMetadata[], seed: number) => {
      for (const { name: table, columns } of known) {
        const needed = columns.filter(({ isNullable, hasDefaultValue }) => !isNullable && !hasDefaultValue);
        const values = Object.fromEntries(needed.map((column) => [column.name, valueFor(column, seed)]));
        await db
          .insertInto(table as 'tasks')
          .values(values as never)
          .execute();
      }
    };
    try {
      await sql`pragma foreign_keys = off`.execute(db);
      assert.equal((await migrator.migrateTo(before)).error, undefined);
      const known = await tables();
      await write(known, 1);
      assert.equal((await migrator.migrateTo(name)).error, undefined);
      await write(known, 2);
      for (const { name: table, columns } of known) {
        const rows = await db
          .selectFrom(table as 'tasks')
          .select(columns.map((c) => c.name) as 'id'[])
          .execute();
        assert.equal(rows.length, 2, table);
      }
    } finally {
      await db.destroy();
    }
  });
}
