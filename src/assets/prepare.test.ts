import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { localHost } from '../../test/support/local-host.ts';
import { FolderBlobStore } from '../blobs/folder/store.ts';
import { newId } from '../database/ids.ts';
import { openDatabase } from '../database/open.ts';
import { ReelvecError } from '../errors.ts';
import type { MediaInfo } from '../media/info.ts';
import { Quotas } from '../quotas/quotas.ts';
import { assetKey } from './blobs.ts';
import { DedupedMedia } from './deduped-media.ts';
import { type MediaInspectors, type PrepareDeps, prepareAsset } from './prepare.ts';
import { AssetRepository } from './repository.ts';

const FILM = Buffer.concat([Buffer.from('\0\0\0\x20ftypisom\0\0\x02\0', 'latin1'), Buffer.alloc(10_000)]);
const FOUND: MediaInfo = {
  format: 'mov,mp4,m4a,3gp,3g2,mj2',
  mimeType: 'video/mp4',
  size: FILM.length,
  durationSec: 12.5,
  bitRate: 1000,
  trackCounts: { video: 1, audio: 0, subtitles: 0 },
};
const never = new AbortController().signal;

async function setUp(
  options: { source?: Buffer; probe?: MediaInspectors['probe']; image?: MediaInspectors['image'] } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'reelvec-prepare-'));
  const db = await openDatabase(':memory:');
  const host = await localHost((_, response) => response.end(options.source ?? FILM));
  const assets = new AssetRepository(db);
  const blobs = new FolderBlobStore(folder);
  const deps: PrepareDeps = {
    assets,
    blobs,
    dedupedMedia: new DedupedMedia(db, blobs),
    urls: host.guard,
    maxUrlBytes: 1_000_000,
    maxImageBytes: 1_000_000,
    quotas: new Quotas(db, {}),
    inspectors: {
      probe: options.probe ?? (async () => FOUND),
      image: options.image ?? (() => Promise.reject(new Error('no image was sent'))),
      thumbnail: () => Promise.reject(new Error('no thumbnail was asked for')),
    },
    log: pino({ level: 'silent' }),
  };
  return {
    deps,
    assets,
    blobs,
    host,
    fromUrl: (more: { declaredType?: 'image' } = {}) =>
      assets.create({
        ...more,
        id: newId(),
        owner: 'me',
        method: 'url',
        filename: 'f',
        sourceUrl: host.url('/f').href,
      }),
    direct: () => assets.create({ id: newId(), owner: 'me', method: 'direct', filename: 'f' }),
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await db.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test('an asset from a URL is downloaded, probed and ready', async () => {
  await using made = await setUp();
  const { id } = await made.fromUrl();
  await prepareAsset(made.deps, id, never);
  const asset = await made.assets.get(id);
  assert.equal(asset?.status, 'ready');
  assert.equal(asset.fileType, 'video/mp4');
  assert.deepEqual(asset.media, FOUND);
  assert.equal((await made.blobs.stat(assetKey(id)))?.size, FILM.length);
});

test('the type comes from the first bytes, unless the tracks contradict it', async () => {
  const quicktime = Buffer.concat([Buffer.from('\0\0\0\x14ftypqt  \0\0\x02\0', 'latin1'), Buffer.alloc(10_000)]);
  const tracks = ['video/mp4', 'audio/mp4'];
  await using made = await setUp({
    source: quicktime,
    probe: async () => ({ ...FOUND, mimeType: tracks.shift() ?? '' }),
  });
  for (const expected of ['video/quicktime', 'audio/mp4']) {
    const { id } = await made.fromUrl();
    await prepareAsset(made.deps, id, never);
    assert.equal((await made.assets.get(id))?.fileType, expected);
  }
});

test('a long enough animation is a video, unless declared as an image', async () => {
  const source = Buffer.concat([Buffer.from('RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\x02', 'latin1'), Buffer.alloc(1000)]);
  const cases: [durationSec: number | Error, declaredType: 'image' | undefined, isImage: boolean][] = [
    [5, undefined, false],
    [3.96, undefined, false],
    [2, undefined, true],
    [5, 'image', true],
    [new ReelvecError('source_not_media', 'It shows one picture.'), undefined, true],
  ];
  for (const [found, declaredType, isImage] of cases) {
    await using made = await setUp({
      source,
      probe: async () => {
        if (found instanceof Error) throw found;
        return { ...FOUND, mimeType: 'image/webp', durationSec: found };
      },
      image: async () => {
        const image = { format: 'webp', width: 640, height: 360, hasAlpha: false, isAnimated: true } as const;
        return { image, thumbnail: new Uint8Array() };
      },
    });
    const { id } = await made.fromUrl(declaredType && { declaredType });
    await prepareAsset(made.deps, id, never);
    const asset = await made.assets.get(id);
    assert.deepEqual([asset?.status, asset?.fileType], ['ready', 'image/webp'], asset?.error?.message);
    assert.equal(asset?.media?.image !== undefined, isImage, `${found} s, announced as ${declaredType}`);
  }
});

test('a repetition after a crash downloads nothing again, and does not change a ready asset', async () => {
  await using made = await setUp();
  const { id } = await made.fromUrl();
  await made.blobs.write(assetKey(id), FILM);
  await prepareAsset(made.deps, id, never);
  const { updatedAt } = (await made.assets.get(id)) ?? {};
  await prepareAsset(made.deps, id, never);
  assert.equal(made.host.requests.length, 0);
  assert.equal((await made.assets.get(id))?.updatedAt, updatedAt);
});

test('unreadable media fails the asset with the reason, and its file is removed', async () => {
  await using made = await setUp({
    probe: () => Promise.reject(new ReelvecError('video_file_broken', 'The file ends in its middle.')),
  });
  const { id } = await made.direct();
  await made.blobs.write(assetKey(id), FILM);
  await prepareAsset(made.deps, id, never);
  const asset = await made.assets.get(id);
  assert.deepEqual(
    [asset?.status, asset?.error],
    ['failed', { code: 'video_file_broken', message: 'The file ends in its middle.' }],
  );
  assert.equal(await made.blobs.stat(assetKey(id)), undefined);
});

test('a URL that now serves a page fails the asset', async () => {
  await using made = await setUp({ source: Buffer.from('<!doctype html><title>Gone</title>') });
  const { id } = await made.fromUrl();
  await prepareAsset(made.deps, id, never);
  assert.match((await made.assets.get(id))?.error?.message ?? '', /is an HTML page/);
});

test('a server fault is thrown, and a repetition succeeds', async () => {
  const faults = [new Error('the worker died'), new ReelvecError('service_unavailable', 'no room left')];
  await using made = await setUp({
    probe: async () => {
      const fault = faults.shift();
      if (fault) throw fault;
      return FOUND;
    },
  });
  const { id } = await made.fromUrl();
  await assert.rejects(prepareAsset(made.deps, id, never), /the worker died/);
  await assert.rejects(prepareAsset(made.deps, id, never), /no room left/);
  assert.equal((await made.assets.get(id))?.status, 'processing');
  await prepareAsset(made.deps, id, never);
  assert.equal((await made.assets.get(id))?.status, 'ready');
  assert.equal(made.host.requests.length, 1);
});

test('an abort ends the work with its reason, and a repetition succeeds', async () => {
  await using made = await setUp({
    probe: (_, signal) => aborted(signal),
  });
  const { id } = await made.fromUrl();
  const stop = new AbortController();
  const preparing = prepareAsset(made.deps, id, stop.signal);
  setTimeout(() => stop.abort(new Error('the server stops')), 50);
  await assert.rejects(preparing, /the server stops/);
  assert.equal((await made.assets.get(id))?.status, 'processing');
});

test('deleting the asset ends the work and removes its blobs', async () => {
  await using made = await setUp({
    probe: (_, signal) => aborted(signal),
  });
  const { id } = await made.fromUrl();
  const preparing = prepareAsset(made.deps, id, never);
  while (!(await made.blobs.stat(assetKey(id)))) await new Promise(setImmediate);
  await made.assets.delete(id, 'me');
  await preparing;
  assert.deepEqual(await Array.fromAsync(made.blobs.list(''), ({ key }) => key), []);
});

/** Settles only on abort. */
async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}
