import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDatabase } from '../database/open.ts';
import { KeyRepository } from './repository.ts';

const db = await openDatabase(':memory:');
after(() => db.destroy());
const keys = new KeyRepository(db);

test('a key is found by its text until it is revoked', async () => {
  const made = await keys.create('laptop');
  assert.match(made.key, /^rvk_[A-Za-z0-9_-]{43}$/);
  assert.ok(made.key.startsWith(made.prefix));
  assert.deepEqual(await keys.find(made.key), { id: made.id, quotas: {} });
  assert.equal(await keys.find(`${made.key}x`), undefined);
  assert.equal(await keys.find(''), undefined);
  assert.equal(await keys.revoke(made.id), true);
  assert.equal(await keys.revoke(made.id), false);
  assert.equal(await keys.find(made.key), undefined);
  assert.ok((await keys.list()).find((key) => key.id === made.id)?.revokedAt);
});

test('a key is found with its quotas', async () => {
  const quotas = { bytes: 3_000_000_000, minutesPerDay: 1.5 };
  const made = await keys.create('phone', quotas);
  assert.deepEqual(await keys.find(made.key), { id: made.id, quotas });
});

test('the text of a key is not stored', async () => {
  const { key } = await keys.create('ci');
  const rows = await db.selectFrom('keys').selectAll().execute();
  assert.ok(!JSON.stringify(rows).includes(key));
  assert.ok(!JSON.stringify(await keys.list()).includes(key));
});
