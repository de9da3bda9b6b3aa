import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { mediaKey } from '../assets/blobs.ts';
import type { Asset } from '../assets/repository.ts';
import { FolderBlobStore } from '../blobs/folder/store.ts';
import { readPicture, type SourceDeps, useMedia } from './sources.ts';

const root = await mkdtemp(join(tmpdir(), 'reelvec-sources-'));
after(() => rm(root, { recursive: true }));
const source = { kind: 'asset', assetId: 'a1' } as const;
const asset = { id: 'a1', owner: 'me', status: 'ready', contentId: 'c1', filename: 'film.mp4' } as unknown as Asset;
const context = {
  owner: 'me',
  scratch: { blobs: new FolderBlobStore(join(root, 'scratch')), async [Symbol.asyncDispose]() {} },
  signal: new AbortController().signal,
};

/** Asset whose store fails during a read; with `deletes`, the asset is deleted at the same moment. */
async function breaking({ deletes }: { deletes: boolean }): Promise<SourceDeps> {
  const blobs = new FolderBlobStore(join(root, String(deletes)));
  await blobs.write(mediaKey(asset), Buffer.from('bytes'));
  let there = true;
  const fails = () => {
    there = !deletes;
    return new Error('The connection to the store broke.');
  };
  blobs.read = () =>
    Readable.from(
      (async function* () {
        yield Buffer.from('by');
        throw fails();
      })(),
    );
  blobs.use = async () => {
    throw fails();
  };
  const assets = { get: async () => (there ? asset : undefined) };
  return {
    blobs,
    assets,
    limits: { maxVideoBytes: 1e6, maxAudioBytes: 1e6, maxImageBytes: 1e6 },
  } as unknown as SourceDeps;
}

const readers = {
  'a film': (deps: SourceDeps) =>
    useMedia(deps, { source, field: 'video.media_source', maxBytes: 1e6 }, context, async () => {}),
  'a picture': (deps: SourceDeps) => readPicture(deps, { field: 'image.media_source', source }, 'picture', context),
};
for (const [what, read] of Object.entries(readers)) {
  test(`${what} that is deleted during a read is a client error that says so`, async () => {
    await assert.rejects(read(await breaking({ deletes: true })), {
      code: 'resource_not_exist',
      status: 400,
      message: /media_source\.asset_id: the asset "a1" was deleted before it had been read/,
      details: { field: `${what === 'a film' ? 'video' : 'image'}.media_source.asset_id`, value: 'a1' },
    });
    await assert.rejects(read(await breaking({ deletes: false })), /connection to the store broke/);
  });
}
