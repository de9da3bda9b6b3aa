import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLUMNS } from './columns.ts';
import { openDatabase } from './open.ts';

test('the column lists have every column of their tables', async () => {
  const db = await openDatabase(':memory:');
  const tables = new Map((await db.introspection.getTables()).map(({ name, columns }) => [name, columns]));
  await db.destroy();
  for (const [table, named] of Object.entries(COLUMNS)) {
    const columns = tables.get(table)!.map(({ name }) => name);
    assert.deepEqual(named.toSorted(), columns.toSorted(), table);
  }
});
