import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AssetApp, assetApp, MP4 } from '../../../test/support/asset-app.ts';
import { newId } from '../../database/ids.ts';

async function seed({ assets, blobs }: AssetApp, facts: { filename?: string; fileType?: string; owner?: string } = {}) {
  const id = newId();
  await blobs.write(`assets/${id}/source`, Buffer.concat([MP4, Buffer.alloc(200)]));
  return assets.create({ id, owner: 'me', method: 'direct', filename: 'film.mp4', fileType: 'video/mp4', ...facts });
}

async function get({ app }: AssetApp, path: string, key = 'me') {
  const response = await app.inject({ url: `/v1.3/assets${path}`, headers: { 'x-api-key': key } });
  return { status: response.statusCode, body: response.json() };
}

test('an asset shows size, duration and technical metadata once it is ready, and nothing that is not known', async () => {
  await using assetsApp = await assetApp();
  const { id, createdAt } = await seed(assetsApp);
  const processing = { _id: id, method: 'direct', filename: 'film.mp4', created_at: createdAt };
  assert.deepEqual((await get(assetsApp, `/${id}`)).body, {
    ...processing,
    status: 'processing',
    file_type: 'video/mp4',
  });
  await assetsApp.prepare(id);
  assert.deepEqual((await get(assetsApp, `/${id}`)).body, {
    ...processing,
    status: 'ready',
    file_type: 'audio/mp4',
    size: MP4.length + 200,
    duration: 10,
    technical_metadata: {
      file_size_bytes: MP4.length + 200,
      file_mime_type: 'audio/mp4',
      file_container_format: 'mov,mp4,m4a,3gp,3g2,mj2',
      has_audio: true,
      total_video_streams: 0,
      total_audio_streams: 1,
      audio_codec: 'aac',
      audio_sample_rate: 48_000,
      audio_channels: 2,
    },
  });
});

test('a failed asset says why', async () => {
  await using assetsApp = await assetApp();
  const { id } = await seed(assetsApp);
  await assetsApp.blobs.write(`assets/${id}/source`, MP4);
  await assetsApp.prepare(id);
  const { body } = await get(assetsApp, `/${id}`);
  assert.equal(body.status, 'failed');
  assert.deepEqual(body.error, { message: 'The file cannot be read as media.' });
});

test('what is not there, not an id, or somebody else’s is 404', async () => {
  await using assetsApp = await assetApp();
  const { id } = await seed(assetsApp);
  for (const [path, key] of [
    [`/${newId()}`, 'me'],
    ['/nothing', 'me'],
    [`/${id}`, 'somebody'],
  ] as const) {
    const found = await get(assetsApp, path, key);
    assert.equal(found.status, 404);
    assert.equal(found.body.code, 'resource_not_exist');
    assert.match(found.body.message, new RegExp(`${path.slice(1)} in the collection assets`));
    const headers = { 'x-api-key': key };
    assert.equal(
      (await assetsApp.app.inject({ method: 'DELETE', url: `/v1.3/assets${path}`, headers })).statusCode,
      404,
    );
  }
  assert.equal((await get(assetsApp, `/${id}`)).status, 200);
});

test('a deleted asset is gone with its media', async () => {
  await using assetsApp = await assetApp();
  const { id } = await seed(assetsApp);
  const { id: other } = await seed(assetsApp);
  const headers = { 'x-api-key': 'me' };
  const response = await assetsApp.app.inject({ method: 'DELETE', url: `/v1.3/assets/${id}?force=true`, headers });
  assert.equal(response.statusCode, 204);
  assert.equal(response.body, '');
  assert.equal((await get(assetsApp, `/${id}`)).status, 404);
  assert.deepEqual(await Array.fromAsync(assetsApp.blobs.list(''), ({ key }) => key), [`assets/${other}/source`]);
});

test('the list is newest first, page by page, and one past the end is empty', async () => {
  await using assetsApp = await assetApp();
  const ids: string[] = [];
  for (let i = 0; i < 12; i++) ids.unshift((await seed(assetsApp)).id);
  await seed(assetsApp, { owner: 'somebody' });
  const first = await get(assetsApp, '');
  assert.deepEqual(first.body.page_info, { limit_per_page: 10, page: 1, total_page: 2, total_results: 12 });
  const listed: string[] = first.body.data.map(({ _id }: { _id: string }) => _id);
  assert.deepEqual(listed, ids.slice(0, 10));
  const second = await get(assetsApp, '?page=2');
  assert.deepEqual(
    second.body.data.map(({ _id }: { _id: string }) => _id),
    ids.slice(10),
  );
  for (const page of [3, 1_000_000_000]) {
    const past = await get(assetsApp, `?page=${page}`);
    assert.equal(past.status, 200);
    assert.deepEqual(past.body.data, []);
  }
});

test('the list is filtered by ids, types and a part of the file name', async () => {
  await using assetsApp = await assetApp();
  const video = (await seed(assetsApp, { filename: 'Über 100%.MP4' })).id;
  const audio = (await seed(assetsApp, { filename: 'song_1.m4a', fileType: 'audio/mp4' })).id;
  const found = async (query: string) => {
    const { body } = await get(assetsApp, query);
    return body.data.map(({ _id }: { _id: string }) => _id);
  };
  assert.deepEqual(await found(`?asset_ids=${video}`), [video]);
  assert.deepEqual(await found(`?asset_ids=${video}&asset_ids=${audio}&asset_ids=none`), [audio, video]);
  assert.deepEqual(await found('?asset_types=audio'), [audio]);
  assert.deepEqual(await found('?asset_types=audio&asset_types=video'), [audio, video]);
  assert.deepEqual(await found('?asset_types=image&asset_types=document'), []);
  assert.deepEqual(await found('?filename=.mp4'), [video]);
  assert.deepEqual(await found('?filename=SONG_'), [audio]);
  assert.deepEqual(await found(`?filename=${encodeURIComponent('Über 100%')}`), [video]);
  assert.deepEqual(await found(`?filename=${encodeURIComponent('%')}&asset_types=audio`), []);
});

test('list parameters out of range or unknown are refused by name', async () => {
  await using assetsApp = await assetApp();
  for (const [query, code, field] of [
    ['?page=0', 'parameter_invalid', 'page'],
    ['?page=one', 'parameter_invalid', 'page'],
    ['?page_limit=51', 'parameter_invalid', 'page_limit'],
    ['?page_limit=0', 'parameter_invalid', 'page_limit'],
    ['?asset_types=book', 'parameter_invalid', 'asset_types'],
    ['?colour=red', 'parameter_unknown', 'colour'],
  ] as const) {
    const { status, body } = await get(assetsApp, query);
    assert.equal(status, 400, query);
    assert.equal(body.code, code);
    assert.match(body.message, new RegExp(`^${field} `));
  }
});
