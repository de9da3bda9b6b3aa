import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { filesIn } from './support/files.ts';
import { makeMedia } from './support/make-media.ts';
import { BLOBS_ON_S3 } from './support/s3.ts';
import { KEY, type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ended, ready, uploadAsset } from './support/tasks.ts';

const skip = BLOBS_ON_S3 && 'blobs are removed from a folder';

describe('blobs that are missing from the store', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-lost-'));
  const stack = new AsyncDisposableStack();
  let dataDir: string;
  let server: RunningServer;
  let tone: Buffer;
  let asset: string;
  let task: string;
  before(async () => {
    tone = readFileSync(
      makeMedia(join(folder, 'tone.flac'), { audio: 'sine=duration=9', audioCodec: FF_ENCODER_FLAC }),
    );
    dataDir = stack.use(temporaryFolder()).path;
    server = stack.use(await startServer({ dataDir }));
    asset = (await uploadAsset(server, tone, 'tone.flac')).body._id;
    task = await createTask(server, body({ asset_id: asset }));
    await ready(server, task);
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  const body = (source: object) => asking('audio', source, { embedding_option: ['audio'] });
  const lose = (part: string) => {
    const found = filesIn(join(dataDir, 'blobs')).filter((path) => path.includes(part));
    assert.equal(found.length, 1, part);
    rmSync(found[0]!);
  };
  const bytesOf = async (format: string, query = '') => {
    const url = `${server.url}/embed-v2/tasks/${task}?format=${format}${query}`;
    const answer = await fetch(url, { headers: { 'x-api-key': KEY } });
    assert.equal(answer.status, 200);
    return Buffer.from(await answer.bytes());
  };

  test('a result is rebuilt from its asset, byte for byte in every format', async () => {
    const { data } = await ready(server, task);
    for (const format of ['ndjson', 'arrow', 'parquet']) {
      const whole = await bytesOf(format);
      lose(`${task}/result.arrow`);
      assert.equal((await call(server, 'GET', `/embed-v2/tasks/${task}?format=${format}`)).status, 409);
      assert.ok((await bytesOf(format, '&wait=60')).equals(whole), format);
    }
    lose(`${task}/result.arrow`);
    const answer = await call(server, 'GET', `/embed-v2/tasks/${task}`);
    assert.deepEqual([answer.status, answer.body.status, answer.body.data], [200, 'processing', null]);
    assert.match(answer.body.warnings[0], /is being made again/);
    const again = await ready(server, task);
    assert.deepEqual([again.data === data, again.warnings], [true, []]);
  });

  test('a lost result without stored media answers 404 with the reason', async () => {
    const id = await createTask(server, body({ base64_string: tone.toString('base64') }));
    await ready(server, id);
    lose(`${id}/result.arrow`);
    const answer = await call(server, 'GET', `/embed-v2/tasks/${id}`);
    assert.deepEqual([answer.status, answer.body.code], [404, 'resource_not_exist']);
    assert.match(answer.body.message, /its media was not kept.* Create a new task\./);
  });

  test('lost media is not reported as deleted, and is restored by another upload', async () => {
    lose(`assets/${asset}/source`);
    const failed = await ended(server, await createTask(server, body({ asset_id: asset })));
    assert.equal(failed.error?.code, 'resource_not_exist');
    assert.match(failed.error.message, new RegExp(`media of the asset ${asset} is missing from the server's store`));
    const atOnce = await call(server, 'POST', '/embed-v2', { body: body({ asset_id: asset }) });
    assert.deepEqual([atOnce.status, atOnce.body.code], [400, 'resource_not_exist']);
    assert.match(atOnce.body.message, new RegExp(`media of the asset "${asset}" is missing from the server's store`));

    const second = await uploadAsset(server, tone, 'tone.flac');
    assert.equal(second.body.status, 'ready');
    for (const id of [asset, second.body._id]) await ready(server, await createTask(server, body({ asset_id: id })));
  });

  test('a lost thumbnail answers 404', async () => {
    const film = makeMedia(join(folder, 'film.mp4'), { video: 'testsrc=size=360x360:rate=5:duration=4.4' });
    const form = new FormData();
    form.set('method', 'direct');
    form.set('enable_thumbnail', 'true');
    form.set('file', new Blob([readFileSync(film)]), 'film.mp4');
    const created = await call(server, 'POST', '/assets', { body: form });
    const { body: made } = await call(server, 'GET', `/assets/${created.body._id}`);
    const url = made.thumbnail.representative_url.replace(server.url, '');
    lose(`${made._id}/thumbnail`);
    const answer = await call(server, 'GET', url);
    assert.deepEqual([answer.status, answer.body.code], [404, 'resource_not_exist']);
    assert.match(answer.body.message, /missing from the server's store/);
  });
});
