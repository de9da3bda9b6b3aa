import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AssetApp, assetApp, MP4 } from '../../../test/support/asset-app.ts';
import type { UserMetadata } from '../../assets/repository.ts';
import { newId } from '../../database/ids.ts';

const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(200)]);
const FILM = Buffer.concat([MP4, Buffer.alloc(200)]);

async function seed(made: AssetApp, content: Buffer, facts: { thumbnail?: boolean; hls?: boolean } = {}) {
  const id = newId();
  await made.assets.create({ id, owner: 'me', method: 'direct', filename: 'it', ...facts });
  await made.blobs.write(`assets/${id}/source`, content);
  await made.prepare(id);
  return id;
}

async function get({ app }: AssetApp, path: string) {
  const headers = { 'x-api-key': 'me', host: 'media.test' };
  const response = await app.inject({ url: `/v1.3/assets${path}`, headers });
  return { status: response.statusCode, type: response.headers['content-type'], response };
}

test('an image is an asset with a size in pixels and no duration', async () => {
  await using made = await assetApp();
  const id = await seed(made, PNG);
  const body = (await get(made, `/${id}`)).response.json();
  assert.deepEqual([body.status, body.file_type, body.size], ['ready', 'image/png', PNG.length]);
  assert.ok(!('duration' in body) && !('thumbnail' in body) && !('hls' in body));
  assert.deepEqual(body.technical_metadata, {
    file_size_bytes: PNG.length,
    file_mime_type: 'image/png',
    file_container_format: 'png',
    image_width: 640,
    image_height: 480,
    image_format: 'png',
    has_alpha: true,
    is_animated: false,
  });
  const listed = (await get(made, '?asset_types=image')).response.json();
  assert.deepEqual(
    listed.data.map(({ _id }: { _id: string }) => _id),
    [id],
  );
});

for (const [what, content] of [
  ['an image', PNG],
  ['a film', FILM],
] as const) {
  test(`the thumbnail of ${what} is there by a URL that needs no key`, async () => {
    await using made = await assetApp();
    const id = await seed(made, content, { thumbnail: true });
    const { thumbnail } = (await get(made, `/${id}`)).response.json();
    assert.equal(thumbnail.status, 'ready');
    const url = new URL(thumbnail.representative_url);
    assert.equal(url.host, 'media.test');
    const picture = await made.app.inject({ url: url.pathname + url.search });
    assert.deepEqual([picture.statusCode, picture.headers['content-type']], [200, 'image/jpeg']);
    assert.equal(picture.body, 'a small picture');
    assert.equal(picture.headers['cache-control'], 'private, max-age=86400');
    for (const wrong of [
      url.pathname,
      `${url.pathname}${url.search}x`,
      url.pathname.replace(id, newId()) + url.search,
    ]) {
      assert.notEqual((await made.app.inject({ url: wrong })).statusCode, 200);
    }
    await made.app.inject({ method: 'DELETE', url: `/v1.3/assets/${id}`, headers: { 'x-api-key': 'me' } });
    const gone = await made.app.inject({ url: url.pathname + url.search });
    assert.deepEqual([gone.statusCode, gone.json().code], [404, 'resource_not_exist']);
    assert.match(gone.json().message, new RegExp(`^There is no picture of the asset ${id}: the asset was deleted`));
  });
}

test('the URL of a thumbnail stays the same for a day, so that it can be kept, and works for one day more', async (t) => {
  await using made = await assetApp();
  const id = await seed(made, PNG, { thumbnail: true });
  const day = 24 * 3600 * 1000;
  const midnight = Math.ceil(Date.now() / day) * day;
  const at = async (ms: number) => {
    t.mock.timers.setTime(midnight + ms);
    return new URL((await get(made, `/${id}`)).response.json().thumbnail.representative_url);
  };
  t.mock.timers.enable({ apis: ['Date'], now: midnight });
  const url = await at(0);
  assert.equal(Number(url.searchParams.get('expires')), (midnight + 2 * day) / 1000);
  assert.equal((await at(day - 1)).href, url.href);
  assert.notEqual((await at(day)).href, url.href);
  for (const [ms, status] of [
    [2 * day, 200],
    [2 * day + 1, 403],
  ] as const) {
    t.mock.timers.setTime(midnight + ms);
    assert.equal((await made.app.inject(url.pathname + url.search)).statusCode, status);
  }
});

test('an HLS stream that was asked for is said not to be made', async () => {
  await using made = await assetApp();
  const id = await seed(made, FILM, { hls: true });
  const { hls, status } = (await get(made, `/${id}`)).response.json();
  assert.equal(status, 'ready');
  assert.deepEqual(hls, { status: 'error', message: 'This server makes no HLS streams: play the file itself.' });
});

test('a file of another type than announced fails, and says both', async () => {
  await using made = await assetApp();
  const id = newId();
  const userMetadata: UserMetadata = {};
  await made.assets.create({
    id,
    owner: 'me',
    method: 'multipart',
    filename: 'it',
    declaredType: 'video',
    userMetadata,
  });
  await made.blobs.write(`assets/${id}/source`, PNG);
  await made.prepare(id);
  const { status, error } = (await get(made, `/${id}`)).response.json();
  assert.equal(status, 'failed');
  assert.match(error.message, /announced with type video, but the file is image \(image\/png\)/);
});
