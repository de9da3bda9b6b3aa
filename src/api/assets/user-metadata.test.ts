import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AssetApp, assetApp } from '../../../test/support/asset-app.ts';
import { newId } from '../../database/ids.ts';

const BEFORE = { title: 'Take 3', take: 3, wide: true };

async function seed({ assets }: AssetApp): Promise<string> {
  const id = newId();
  await assets.create({ id, owner: 'me', method: 'direct', filename: 'film.mp4', userMetadata: BEFORE });
  return id;
}

async function call({ app }: AssetApp, method: 'PATCH' | 'PUT' | 'DELETE', id: string, body?: object, owner = 'me') {
  const url = `/v1.3/assets/${id}/user-metadata`;
  const response = await app.inject({ method, url, headers: { 'x-api-key': owner }, ...(body && { payload: body }) });
  return { status: response.statusCode, body: response.body === '' ? undefined : response.json() };
}

const kept = async ({ assets }: AssetApp, id: string) => (await assets.get(id))?.userMetadata;

test('PATCH changes and adds what it names, takes away what is null, and leaves what is empty or not named', async () => {
  await using made = await assetApp();
  const id = await seed(made);
  const changes = { take: 4, wide: null, title: '', colour: 'red', never: null };
  const { status, body } = await call(made, 'PATCH', id, { user_metadata: changes });
  assert.deepEqual([status, body], [204, undefined]);
  assert.deepEqual(await kept(made, id), { title: 'Take 3', take: 4, colour: 'red' });
});

test('PUT replaces all, and leaves out what is empty or null', async () => {
  await using made = await assetApp();
  const id = await seed(made);
  assert.equal((await call(made, 'PUT', id, { user_metadata: { rating: 9.3, a: '', b: null } })).status, 204);
  assert.deepEqual(await kept(made, id), { rating: 9.3 });
  assert.equal((await call(made, 'PUT', id, { user_metadata: {} })).status, 204);
  assert.equal(await kept(made, id), undefined);
});

test('DELETE clears, and is no error twice', async () => {
  await using made = await assetApp();
  const id = await seed(made);
  for (let i = 0; i < 2; i++) assert.equal((await call(made, 'DELETE', id)).status, 204);
  assert.equal(await kept(made, id), undefined);
});

test('changes at the same time are all made', async () => {
  await using made = await assetApp();
  const id = await seed(made);
  const names = Array.from({ length: 20 }, (_, i) => `key${i}`);
  await Promise.all(names.map((name) => call(made, 'PATCH', id, { user_metadata: { [name]: 1 } })));
  assert.deepEqual(await kept(made, id), { ...BEFORE, ...Object.fromEntries(names.map((name) => [name, 1])) });
});

test('values that are no strings, numbers or booleans are refused by name', async () => {
  await using made = await assetApp();
  const id = await seed(made);
  for (const method of ['PATCH', 'PUT'] as const) {
    for (const [sent, field] of [
      [{ user_metadata: { a: [1] } }, 'user_metadata.a'],
      [{ user_metadata: 'a' }, 'user_metadata'],
      [{}, 'user_metadata'],
      [{ user_metadata: {}, other: 1 }, 'other'],
    ] as const) {
      const { status, body } = await call(made, method, id, sent);
      assert.deepEqual([status, body.details.field], [400, field]);
      assert.match(body.message, /must be (a string, a number|an object)|is required: an object|not a parameter/);
    }
  }
  assert.deepEqual(await kept(made, id), BEFORE);
});

test('an unknown asset and one of another owner are both 404', async () => {
  await using made = await assetApp();
  const id = await seed(made);
  for (const method of ['PATCH', 'PUT', 'DELETE'] as const) {
    const body = method === 'DELETE' ? undefined : { user_metadata: { a: 1 } };
    assert.equal((await call(made, method, id, body, 'someone else')).status, 404);
    assert.equal((await call(made, method, newId(), body)).status, 404);
  }
  assert.deepEqual(await kept(made, id), BEFORE);
});
