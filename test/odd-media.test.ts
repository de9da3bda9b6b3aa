import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openBundle } from '../src/encode/bundles.ts';
import { decode } from '../src/media/decode.ts';
import type { Picture } from '../src/media/frames.ts';
import { probe } from '../src/media/probe.ts';
import { embedChunk } from '../src/pipeline/embed-chunk.ts';
import { checkLimits } from '../src/tasks/limits.ts';
import { subtitleCues } from '../src/transcribe/subtitles.ts';
import type { EmbedJob } from '../src/workers/protocol.ts';
import { cosine } from './support/embeddings.ts';
import { difference, pictureAt, picturesOf, soundStretches, turned } from './support/looking.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';

/** Tests what docs/media.md states about odd files, on real ones. */
describe('odd media', { skip: NO_REAL_MEDIA }, () => odd(join(REAL_MEDIA, 'odd')));

function odd(folder: string): void {
  const path = (name: string) => join(folder, name);
  const near = (found: number | undefined, wanted: number, within = 0.05) =>
    assert.ok(Math.abs(found! - wanted) <= within, `${found} is not ${wanted} ± ${within}`);

  async function embed(name: string, overrides: Partial<EmbedJob> = {}) {
    const media = probe(path(name));
    const job: EmbedJob = {
      path: path(name),
      range: { startSec: 0, endSec: media.durationSec },
      segmentation: { strategy: 'fixed', durationSec: 2 },
      options: [...(media.video ? (['visual'] as const) : []), ...(media.audio ? (['audio'] as const) : [])],
      ...overrides,
    };
    return embedChunk(job, await openBundle('signal'), () => {});
  }

  /** True for each segment that has a vector. */
  const present = (vectors: readonly (Float32Array | undefined)[] | undefined) => vectors?.map((v) => v !== undefined);

  const PARTIAL = ['timestamps_jump_50s.ts', 'video_longer_than_audio.mp4'];
  for (const name of readdirSync(folder).filter((name) => !PARTIAL.includes(name))) {
    test(`${name}: segments cover it, and each has every vector`, async () => {
      const { durationSec } = probe(path(name));
      const { segments, vectors, damages } = await embed(name);
      assert.equal(damages, 0);
      assert.equal(segments[0]?.startSec, 0);
      near(segments.at(-1)?.endSec, durationSec, 1e-6);
      segments.slice(1).forEach(({ startSec }, i) => {
        assert.equal(startSec, segments[i]!.endSec);
      });
      for (const [option, list] of Object.entries(vectors)) {
        assert.ok(present(list)!.every(Boolean), `${option} everywhere`);
        for (const vector of list) near(Math.hypot(...vector!), 1, 1e-5);
      }
    });
  }

  test('a picture rotated by metadata is decoded upright, and its size is that of the upright one', () => {
    const { width, height } = probe(path('rotated_90_meta.mp4')).video!;
    assert.deepEqual([width, height], [360, 640]);
    const upright = pictureAt(path('rotated_90_meta.mp4'), 3, { width: 36, height: 64 });
    const source = pictureAt(path('start_time_95000s.ts'), 3);
    assert.ok(difference(turned(upright), source.data) < 4);
  });

  test('sizes are display sizes: portrait, and pixels that are not square', () => {
    const portrait = probe(path('portrait_406x720.mp4')).video!;
    near(portrait.width, 406, 2);
    assert.equal(portrait.height, 720);
    const { width, height } = probe(path('anamorphic_480x576_sar64-45.mp4')).video!;
    assert.deepEqual([width, height], [683, 576]);
  });

  test('interlaced and HDR-tagged pictures look like the plain ones', () => {
    const interlaced = pictureAt(path('interlaced_mpeg2.ts'), 3);
    const tagged = pictureAt(path('hevc_10bit_pq_tagged.mp4'), interlaced.timeSec - 0.01);
    assert.ok(difference(interlaced.data, tagged.data) < 6);
  });

  test('every picture counts once, at any frame rate', () => {
    assert.equal(picturesOf(path('two_frames_per_second.mp4')).length, 24);
    const times = picturesOf(path('variable_frame_rate.mp4')).map(({ timeSec }) => timeSec);
    assert.equal(times.length, 154);
    assert.ok(times.every((time, i) => i === 0 || time > times[i - 1]!));
  });

  test('time starts at 0 and is continuous, whatever the first timestamp and across a wrap', () => {
    for (const name of ['start_time_95000s.ts', 'timestamps_wrap_33bit.ts', '../video/tos_speech_640x360.ts']) {
      const { durationSec } = probe(path(name));
      const times = picturesOf(path(name)).map(({ timeSec }) => timeSec);
      assert.equal(times[0], 0);
      near(times.at(-1), durationSec, 0.1);
      assert.ok(times.every((time, i) => i === 0 || (time > times[i - 1]! && time - times[i - 1]! < 0.2)));
      const stretches = soundStretches(path(name));
      assert.equal(stretches.length, 1);
      near(stretches[0]!.startSec, 0);
      near(stretches[0]!.endSec, durationSec, 0.3);
    }
  });

  test('a gap in the timestamps is kept: there are no vectors without content, with a warning', async () => {
    const { vectors, missingSec, segments } = await embed('timestamps_jump_50s.ts');
    assert.equal(segments.length, 28);
    for (const list of [vectors.visual, vectors.audio]) {
      const inHole = segments.map(({ startSec, endSec }) => startSec >= 8 && endSec <= 48);
      present(list)!.forEach((isPresent, i) => {
        if (inHole[i]) assert.equal(isPresent, false, `segment ${i}`);
      });
      assert.ok(list![0] && list![1] && list![26] && list![27]);
    }
    near(missingSec.audio, 43.8, 0.2);
    near(missingSec.visual, 43.6, 0.2);
  });

  test('decoding from the middle gives the same pictures and times as from the start', () => {
    for (const name of readdirSync(folder).filter((name) => probe(path(name)).video)) {
      const inside = ({ timeSec }: Picture) => timeSec >= 3 && timeSec < 4.2;
      const whole = picturesOf(path(name), { startSec: 0, endSec: 4.2 }).filter(inside);
      const middle = picturesOf(path(name), { startSec: 3, endSec: 4.2 });
      assert.deepEqual(
        middle.map(({ timeSec }) => timeSec),
        whole.map(({ timeSec }) => timeSec),
        name,
      );
      middle.forEach(({ data }, i) => {
        assert.equal(difference(data, whole[i]!.data), 0, name);
      });
    }
  });

  test('an edit list is applied, and keeps sound and picture in sync', () => {
    const first = picturesOf(path('edit_list_copy.mp4'), { startSec: 0, endSec: 2 })[0]!;
    near(first.timeSec, 0.694, 0.01);
    near(soundStretches(path('edit_list_copy.mp4'))[0]!.startSec, 0, 0.01);
  });

  test('the last picture lasts as long as the sound, and sound that ends early is not extended', async () => {
    const pictures = await embed('audio_longer_than_video.mp4');
    assert.ok(present(pictures.vectors.visual)!.every(Boolean));
    assert.ok(present(pictures.vectors.audio)!.every(Boolean));
    assert.deepEqual(pictures.vectors.visual![4], pictures.vectors.visual![6]);
    near(pictures.missingSec.visual, 0);
    const sound = await embed('video_longer_than_audio.mp4');
    assert.ok(present(sound.vectors.visual)!.every(Boolean));
    assert.deepEqual(present(sound.vectors.audio), [true, true, true, false, false, false]);
    near(sound.missingSec.audio, 7);
  });

  test('of several tracks the default one is decoded', async () => {
    const { audio, subtitles, trackCounts } = probe(path('two_audio_two_subtitles.mkv'));
    assert.deepEqual(trackCounts, { video: 1, audio: 2, subtitles: 2 });
    assert.equal(audio?.index, 2);
    assert.equal(subtitles?.language, 'eng');
    const range = { startSec: 0, endSec: 20 };
    const [several, one] = await Promise.all(
      ['two_audio_two_subtitles.mkv', 'mov_text_subtitles.mp4'].map((name) => embed(name, { range })),
    );
    several!.vectors.audio!.forEach((vector, i) => {
      assert.ok(cosine([...vector!], [...one!.vectors.audio![i]!]) > 0.95);
    });
  });

  test('subtitles of every kind give the same words at the same time', () => {
    for (const name of [
      'mov_text_subtitles.mp4',
      'webvtt_in_webm.webm',
      'ass_subtitles.mkv',
      'two_audio_two_subtitles.mkv',
    ]) {
      const lines = [...decode({ path: path(name), subtitles: true })].flatMap((event) =>
        event.type === 'subtitle' ? subtitleCues(event.subtitle) : [],
      );
      assert.deepEqual(
        lines.map(({ text }) => text),
        ["Robot's memory synced and locked!", 'This is pretty freaky.'],
      );
      [2, 13].forEach((wanted, i) => {
        near(lines[i]!.startSec, wanted);
      });
      [5.5, 15].forEach((wanted, i) => {
        near(lines[i]!.endSec, wanted);
      });
    }
  });

  test('a song with a cover picture is not a video', () => {
    const { video, audio, trackCounts } = probe(path('mp3_with_cover_art.mp3'));
    assert.equal(video, undefined);
    assert.equal(audio?.codec, 'mp3');
    assert.equal(trackCounts.video, 0);
  });

  test('uncompressed WAV is accepted as audio at any rate, depth and layout', () => {
    const limits = { maxVideoBytes: 1e9, maxAudioBytes: 1e9 };
    const check = (name: string) =>
      checkLimits({ ...probe(path(name)), size: 0 }, { inputType: 'audio', startSec: 0 }, limits);
    assert.deepEqual(check('wav_24bit_96k.wav'), { startSec: 0, endSec: 6 });
    assert.deepEqual(check('tones_5.1_48k.wav'), { startSec: 0, endSec: 4.5 });
    assert.throws(() => check('wav_mulaw_8k.wav'), /pcm_mulaw.*uncompressed/);
  });
}
