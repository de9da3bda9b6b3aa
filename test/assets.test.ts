import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ended, settledAsset, uploadAsset } from './support/tasks.ts';

describe('assets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-assets-'));
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let film: Buffer;
  before(async () => {
    const round = makeMedia(join(folder, 'round.mp4'), { video: 'testsrc=size=1280x720:rate=25:duration=2' });
    // Half a minute of work at least.
    film = readFileSync(loopMedia(join(folder, 'long.mp4'), { of: round, times: 400, everySec: 2 }));
    server = stack.use(
      await startServer({ dataDir: stack.use(temporaryFolder()).path, env: { REELVEC_WORKERS: '1' } }),
    );
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  test('an asset in use by a task is deleted only with force, and the task fails with the reason', async () => {
    const { body: asset } = await uploadAsset(server, film, 'long.mp4');
    const task = await createTask(server, asking('video', { asset_id: asset._id }));
    const refused = await call(server, 'DELETE', `/assets/${asset._id}`);
    assert.equal(refused.status, 409, refused.text);
    assert.deepEqual(refused.body.details.tasks, [task]);
    assert.equal((await call(server, 'DELETE', `/assets/${asset._id}?force=true`)).status, 204);
    const { status, error } = await ended(server, task, 5000);
    assert.equal(status, 'failed');
    assert.match(error!.message, /deleted, with force, while the task was using it/);
    assert.equal((await call(server, 'GET', `/assets/${asset._id}`)).status, 404);
  });

  for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
    test(`an image in ${format} is an asset with a thumbnail, and not a source for video`, async () => {
      const picture = sharp({ create: { width: 900, height: 600, channels: 3, background: '#336699' } });
      const form = new FormData();
      form.set('method', 'direct');
      form.set('enable_thumbnail', 'true');
      form.set('file', new Blob([new Uint8Array(await picture.toFormat(format).toBuffer())]), 'picture.mp4');
      const id = (await call(server, 'POST', '/assets', { body: form })).body._id;
      const answer = await settledAsset(server, id);
      const { status, file_type, technical_metadata: facts, thumbnail, duration } = answer.body;
      assert.deepEqual([status, file_type, duration], ['ready', `image/${format}`, undefined], answer.text);
      assert.deepEqual([facts.image_width, facts.image_height, facts.image_format], [900, 600, format]);
      const small = await fetch(thumbnail.representative_url);
      const { format: found, width, height } = await sharp(Buffer.from(await small.arrayBuffer())).metadata();
      assert.deepEqual([found, width, height], ['jpeg', 640, 427]);
      const task = await call(server, 'POST', '/embed-v2/tasks', { body: asking('video', { asset_id: id }) });
      assert.equal(task.status, 400);
      assert.match(task.body.message, /is an image \(image\/\w+, 900×600\)/);
    });
  }

  test('a truncated image fails as an asset', async () => {
    const noise = Buffer.from(Uint8Array.from({ length: 300 * 300 * 3 }, (_, i) => (i * 7919) % 251));
    const jpeg = await sharp(noise, { raw: { width: 300, height: 300, channels: 3 } })
      .jpeg()
      .toBuffer();
    const { body } = await uploadAsset(server, jpeg.subarray(0, jpeg.length / 2), 'half.jpg');
    assert.equal(body.status, 'failed');
    assert.match(body.error.message, /damaged or cut off/);
  });

  test('a film has a thumbnail and details of all tracks', async () => {
    const path = makeMedia(join(folder, 'film.mp4'), {
      video: 'testsrc2=size=1280x720:rate=24:duration=6',
      audio: 'sine=frequency=440:duration=6',
    });
    const form = new FormData();
    form.set('method', 'direct');
    form.set('enable_thumbnail', 'true');
    form.set('file', new Blob([new Uint8Array(readFileSync(path))]), 'film.mp4');
    const { body: created } = await call(server, 'POST', '/assets', { body: form });
    const answer = await settledAsset(server, created._id);
    const { thumbnail, technical_metadata: facts } = answer.body;
    const small = await fetch(thumbnail.representative_url);
    const { width, height } = await sharp(Buffer.from(await small.arrayBuffer())).metadata();
    assert.deepEqual([width, height], [640, 360]);
    assert.deepEqual([facts.video_width, facts.video_fps, facts.has_audio], [1280, 24, true]);
    assert.deepEqual([facts.video_streams.length, facts.audio_streams.length], [1, 1]);
    assert.ok(facts.video_bitrate_bps > 0 && Math.abs(facts.video_duration_seconds - 6) < 0.1);
    assert.equal(facts.is_hdr, false);
  });
});
