import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TwelvelabsApi, TwelvelabsApiClient } from 'twelvelabs-js';
import { assetApp, MP4 } from '../../../test/support/asset-app.ts';
import { localHost } from '../../../test/support/local-host.ts';

let folder: string;
let path: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelvec-sdk-'));
  path = join(folder, 'concert.m4a');
  await writeFile(path, Buffer.concat([MP4, Buffer.alloc(200_000)]));
});
after(() => rm(folder, { recursive: true }));

async function withClient() {
  const made = await assetApp();
  const address = await made.app.listen({ port: 0, host: '127.0.0.1' });
  const client = new TwelvelabsApiClient({ apiKey: 'tlk_me', baseUrl: `${address}/v1.3` });
  return { ...made, client };
}

test('the official SDK uploads a stream, waits for it, lists, retrieves and deletes it', async () => {
  await using made = await withClient();
  const { client } = made;
  const created = await client.assets.create({
    method: 'direct',
    file: createReadStream(path),
    userMetadata: JSON.stringify({ take: 3, wide: true }),
  });
  assert.equal(created.status, 'processing');
  assert.equal(created.filename, 'concert.m4a');
  assert.deepEqual(created.userMetadata, { take: 3, wide: true });
  const id = created.id ?? '';
  await made.prepare(id);
  const ready = await client.assets.retrieve(id);
  assert.equal(ready.status, 'ready');
  assert.equal(ready.duration, 10);
  assert.equal(ready.technicalMetadata?.audioSampleRate, 48_000);
  assert.ok(ready.createdAt instanceof Date);
  await client.assets.delete(id);
  await assert.rejects(client.assets.retrieve(id), TwelvelabsApi.NotFoundError);
});

test('the official SDK creates an asset from a URL', async () => {
  await using made = await withClient();
  await using host = await localHost((_, response) => response.end(Buffer.concat([MP4, Buffer.alloc(200)])));
  const { id = '', method } = await made.client.assets.create({ method: 'url', url: host.url('/film.mp4').href });
  assert.equal(method, 'url');
  await made.prepare(id);
  assert.equal((await made.client.assets.retrieve(id)).size, MP4.length + 200);
});

test('the iterator of the official SDK ends after every asset has come once', async () => {
  await using made = await withClient();
  const ids: (string | undefined)[] = [];
  for (let i = 0; i < 3; i++) {
    ids.unshift((await made.client.assets.create({ method: 'direct', file: createReadStream(path) })).id);
  }
  const listed: (string | undefined)[] = [];
  const types = ['video', 'audio'] as const;
  for await (const { id } of await made.client.assets.list({ pageLimit: 1, assetTypes: [...types] })) listed.push(id);
  assert.deepEqual(listed, ids);
});

test('the official SDK gets the reason of a refusal', async () => {
  await using made = await withClient();
  const refused = made.client.assets.create({ method: 'url', url: 'http://192.168.0.1/film.mp4' });
  await assert.rejects(refused, (error: TwelvelabsApi.BadRequestError) => {
    const body = error.body as { code: string; message: string };
    assert.equal(body.code, 'source_unreachable');
    assert.match(body.message, /REELVEC_URL_ALLOW/);
    return error instanceof TwelvelabsApi.BadRequestError;
  });
});
