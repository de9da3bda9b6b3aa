import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  FF_ENCODER_FLAC,
  FF_ENCODER_LIBMP3LAME,
  FF_ENCODER_LIBVORBIS,
  FF_ENCODER_PCM_MULAW,
  FF_ENCODER_PCM_S16LE,
  type FFEncoderCodec,
} from 'node-av/constants';
import type { InputType } from '../src/domain/media-kind.ts';
import { hostFiles } from './support/file-host.ts';
import { makeMedia } from './support/make-media.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ended, ready, uploadAsset } from './support/tasks.ts';

interface Refusal {
  readonly what: string;
  readonly file: string;
  readonly type?: InputType;
  readonly code: string;
  readonly says: RegExp;
}

const film = (size: string, seconds = 4.5) => ({ video: `testsrc=size=${size}:rate=5:duration=${seconds}` });
const tone = (codec: FFEncoderCodec) => ({ audio: 'sine=duration=6', audioCodec: codec });

/** Refused by their content; the names do not fit the container. */
const MADE: readonly (Refusal & { recipe: Parameters<typeof makeMedia>[1] })[] = [
  {
    what: 'a video of 3.6 s',
    file: 'short.mp4',
    recipe: film('640x360', 3.6),
    code: 'video_duration_too_short',
    says: /lasts 3\.6 s.*4 s to 4 h/,
  },
  {
    what: 'audio of 3.5 s',
    file: 'short.wav',
    type: 'audio',
    recipe: { audio: 'sine=duration=3.5', audioCodec: FF_ENCODER_PCM_S16LE },
    code: 'audio_duration_too_short',
    says: /lasts 3\.5 s/,
  },
  {
    what: 'a picture of 640×358',
    file: 'small.mp4',
    recipe: film('640x358'),
    code: 'video_resolution_too_low',
    says: /640×358.*at least 360/,
  },
  {
    what: 'a picture of 5200×2170',
    file: 'large.mp4',
    recipe: { video: 'testsrc=size=5200x2170:rate=1:duration=5' },
    code: 'video_resolution_too_high',
    says: /5200×2170.*5184×2160/,
  },
  {
    what: 'a picture of 3:1',
    file: 'wide.mp4',
    recipe: film('1080x360'),
    code: 'video_resolution_invalid_aspect_ratio',
    says: /1080×360.*3\.00:1.*2\.4/,
  },
  {
    what: 'a picture that its pixel aspect makes 3:1',
    file: 'stretched.mp4',
    recipe: { video: `${film('540x360').video},setsar=2/1` },
    code: 'video_resolution_invalid_aspect_ratio',
    says: /1080×360/,
  },
  {
    what: 'sound alone as a video',
    file: 'sound.mp4',
    recipe: { audio: 'sine=duration=6' },
    code: 'media_has_no_track',
    says: /no video track.*input_type "audio"/,
  },
  {
    what: 'a video as audio',
    file: 'film.mp4',
    type: 'audio',
    recipe: film('640x360'),
    code: 'audio_format_unsupported',
    says: /WAV \(uncompressed\), MP3 or FLAC.*input_type "video"/,
  },
  {
    what: 'Ogg as audio',
    file: 'tone.ogg',
    type: 'audio',
    recipe: tone(FF_ENCODER_LIBVORBIS),
    code: 'audio_format_unsupported',
    says: /OGG with vorbis.*WAV \(uncompressed\), MP3 or FLAC/,
  },
  {
    what: 'a WAV file of µ-law',
    file: 'mulaw.wav',
    type: 'audio',
    recipe: tone(FF_ENCODER_PCM_MULAW),
    code: 'audio_format_unsupported',
    says: /WAV with pcm_mulaw/,
  },
];

const REAL: readonly Refusal[] = [
  { what: 'too short', file: 'broken/too_short_3.5s.mp4', code: 'video_duration_too_short', says: /3\.5 s/ },
  { what: 'too small', file: 'broken/too_small_320x180.mp4', code: 'video_resolution_too_low', says: /320×180/ },
  { what: 'too large', file: 'broken/too_large_5200x2170.mp4', code: 'video_resolution_too_high', says: /5200×2170/ },
  {
    what: 'too wide',
    file: 'broken/too_wide_3to1.mp4',
    code: 'video_resolution_invalid_aspect_ratio',
    says: /3\.00:1/,
  },
  {
    what: 'µ-law',
    file: 'odd/wav_mulaw_8k.wav',
    type: 'audio',
    code: 'audio_format_unsupported',
    says: /pcm_mulaw/,
  },
];

describe('limits by content', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-limits-'));
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let url: (file: string) => { url: string };
  let body: (file: string, type?: InputType, overrides?: object) => object;
  before(async () => {
    for (const { file, recipe } of MADE) makeMedia(join(folder, file), recipe);
    makeMedia(join(folder, 'fine.mp4'), { ...film('640x360', 6), audio: 'sine=duration=6' });
    makeMedia(join(folder, 'upright.mp4'), { video: `${film('480x576').video},setsar=64/45` });
    makeMedia(join(folder, 'fine.wav'), tone(FF_ENCODER_PCM_S16LE));
    makeMedia(join(folder, 'fine.mp3'), tone(FF_ENCODER_LIBMP3LAME));
    makeMedia(join(folder, 'fine.flac'), tone(FF_ENCODER_FLAC));
    const host = stack.use(await hostFiles(folder));
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path }));
    url = (file) => ({ url: `${host.url}/${file}` });
    body = (file, type = 'video', overrides = {}) =>
      asking(type, { base64_string: readFileSync(join(folder, file)).toString('base64') }, overrides);
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  for (const { what, file, type, code, says } of MADE) {
    test(`${what} is refused with the reason`, async () => {
      const answer = await call(server, 'POST', '/embed-v2/tasks', { body: body(file, type) });
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.body.code, code);
      assert.match(answer.body.message, says);
      assert.deepEqual(answer.body.error.message, answer.body.message);
    });
  }

  test('by URL, whose content is known only after the answer, the task fails with the same sentence', async () => {
    const task = await ended(server, await createTask(server, asking('video', url('wide.mp4'))));
    assert.equal(task.status, 'failed');
    assert.equal(task.error?.code, 'video_resolution_invalid_aspect_ratio');
    assert.match(task.error.message, /1080×360/);
  });

  test('an asset over a limit is refused as the source of a task', async () => {
    const asset = await uploadAsset(server, readFileSync(join(folder, 'wide.mp4')), 'wide.mp4');
    assert.equal(asset.body.status, 'ready', 'an asset has no limits of its own');
    const answer = await call(server, 'POST', '/embed-v2/tasks', {
      body: asking('video', { asset_id: asset.body._id }),
    });
    assert.equal(answer.status, 400);
    assert.equal(answer.body.code, 'video_resolution_invalid_aspect_ratio');
  });

  test('uncompressed WAV, MP3 and FLAC are audio', async () => {
    for (const file of ['fine.wav', 'fine.mp3', 'fine.flac']) {
      const task = await ready(server, await createTask(server, body(file, 'audio', { embedding_option: ['audio'] })));
      assert.deepEqual(task.warnings, [], file);
    }
  });

  test('a picture that is large enough only by its pixel aspect is accepted', async () => {
    await ready(server, await createTask(server, body('upright.mp4', 'video', { embedding_option: ['visual'] })));
  });

  test('start_sec at or past the end is refused, end_sec past the end is clamped to it', async () => {
    for (const start_sec of [6, 99]) {
      const answer = await call(server, 'POST', '/embed-v2/tasks', { body: body('fine.mp4', 'video', { start_sec }) });
      assert.equal(answer.status, 400);
      assert.equal(answer.body.code, 'parameter_invalid');
      assert.match(answer.body.message, /video\.start_sec is \d+, but the media lasts 6 s/);
    }
    const id = await createTask(server, body('fine.mp4', 'video', { start_sec: 2, end_sec: 99 }));
    const { data } = await ready(server, id);
    const { metadata } = (await call(server, 'GET', `/embed-v2/tasks/${id}`)).body;
    assert.deepEqual([metadata.duration, metadata.start_offset_sec, metadata.end_offset_sec], [6, 2, 6]);
    const times = [...data.matchAll(/"start_sec":([\d.]+),"end_sec":([\d.]+)/g)];
    assert.equal(Math.min(...times.map(([, start]) => Number(start))), 2);
    assert.equal(Math.max(...times.map(([, , end]) => Number(end))), 6);
    const late = await ended(server, await createTask(server, asking('video', url('fine.mp4'), { start_sec: 6 })));
    assert.match(late.error?.message ?? '', /start_sec is 6, but the media lasts 6 s/);
  });

  for (const { what, file, type = 'video', code, says } of REAL) {
    test(`real media: ${what} is refused`, { skip: NO_REAL_MEDIA }, async () => {
      const base64_string = readFileSync(join(REAL_MEDIA, file)).toString('base64');
      const answer = await call(server, 'POST', '/embed-v2/tasks', { body: asking(type, { base64_string }) });
      assert.equal(answer.body.code, code, answer.text);
      assert.match(answer.body.message, says);
    });
  }
  for (const file of ['odd/anamorphic_480x576_sar64-45.mp4', 'odd/portrait_406x720.mp4', 'odd/rotated_90_meta.mp4'])
    test(`real media: ${file} is within the limits`, { skip: NO_REAL_MEDIA }, async () => {
      const base64_string = readFileSync(join(REAL_MEDIA, file)).toString('base64');
      await ready(server, await createTask(server, asking('video', { base64_string })));
    });
});
