import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO, VIDEO } from '../../test/support/media-info.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { RECOMMENDED_BUNDLE, recommendedDownload } from '../encode/recommended.ts';
import type { MediaInfo } from '../media/info.ts';
import { bundleId, chunkJob, chunkRows, requireBundle, servableOptions } from './embedding.ts';
import type { TaskRequest } from './request.ts';

const signal = {
  name: 'signal',
  revision: '3',
  spaces: { visual: 'v', audio: 'a', transcription: 't' },
  transcribesSpeech: false,
} as unknown as BundleInfo;
const hearing: BundleInfo = { ...signal, transcribesSpeech: true };
const subtitled: MediaInfo = { ...VIDEO, subtitles: { index: 2, codec: 'mov_text' } };
const { audio: _audio, ...silent } = VIDEO;

test('options are those that the tracks and the bundle can serve, with a warning for each other', () => {
  assert.deepEqual(servableOptions(subtitled, ['visual', 'audio', 'transcription'], signal), {
    options: ['visual', 'audio', 'transcription'],
    transcriptionSource: 'subtitles',
    warnings: [],
  });
  assert.deepEqual(servableOptions(VIDEO, ['visual', 'transcription'], signal), {
    options: ['visual'],
    transcriptionSource: undefined,
    warnings: [
      'The media has no text track that could be read, and the bundle "signal" does not understand speech: ' +
        `there are no transcription embeddings. To transcribe speech, run \`reelvec models use ${RECOMMENDED_BUNDLE}\` on the ` +
        `server, which downloads ${recommendedDownload()} of models, and restart it.`,
    ],
  });
  // Without sound there is nothing to transcribe, and other bundles have their own reasons.
  for (const [media, bundle] of [
    [silent, signal],
    [VIDEO, { ...signal, name: 'mine' }],
  ] as const) {
    assert.match(
      servableOptions(media, ['visual', 'transcription'], bundle).warnings[0]!,
      /no transcription embeddings\.$/,
    );
  }
  assert.deepEqual(servableOptions(silent, ['audio', 'visual', 'transcription'], hearing), {
    options: ['visual'],
    transcriptionSource: undefined,
    warnings: [
      'The media has no sound track: there are no audio embeddings.',
      'The media has neither a text track that could be read nor sound that could be listened to: ' +
        'there are no transcription embeddings.',
    ],
  });
  const { visual: _visual, ...spaces } = signal.spaces;
  assert.deepEqual(servableOptions(VIDEO, ['visual', 'audio'], { ...signal, spaces }).warnings, [
    'The bundle "signal" has no encoder for it: there are no visual embeddings.',
  ]);
});

test('speech is recognised only by a bundle with a speech model, and without a text track', () => {
  const sourceOf = (media: MediaInfo, bundle: BundleInfo) =>
    servableOptions(media, ['visual', 'transcription'], bundle).transcriptionSource;
  assert.equal(sourceOf(VIDEO, hearing), 'speech');
  assert.equal(sourceOf(subtitled, hearing), 'subtitles');
  assert.equal(sourceOf(silent, hearing), undefined);
  assert.equal(servableOptions(subtitled, ['visual'], hearing).transcriptionSource, undefined, 'is not asked for');
});

test('a request without a servable option is refused with a reason for each', () => {
  const unreadable = { type: 'video', codec: 'h264', isEncrypted: true } as const;
  assert.throws(() => servableOptions({ ...AUDIO, unreadable: [unreadable] }, ['visual'], signal), {
    code: 'media_has_no_track',
    message: /^None of the requested .*\(visual\).* cannot be read in full, since .*encrypted.*no visual embeddings\.$/,
  });
  const otherTrack = { ...unreadable, type: 'audio' } as const;
  assert.throws(() => servableOptions({ ...AUDIO, unreadable: [otherTrack] }, ['visual'], signal), {
    message: /The media has no picture track/,
  });
});

test('the job of a chunk has the fields that apply, and no others', () => {
  const range = { startSec: 0, endSec: 6 };
  const request = { segmentation: { strategy: 'fixed', durationSec: 6 } } as TaskRequest;
  const chunk = { path: '/film', media: VIDEO, range, request, options: ['visual'] as const, maxSegmentSec: 30 };
  assert.deepEqual(chunkJob({ ...chunk, transcriptionSource: 'subtitles' }), {
    kind: 'embed',
    path: '/film',
    range,
    options: ['visual'],
    segmentation: { strategy: 'fixed', durationSec: 6 },
  });
  const clock = { parts: [], marks: [] };
  const segmentation = { strategy: 'dynamic', minDurationSec: 4 } as const;
  const other = { ...chunk, media: { ...VIDEO, clock }, request: { ...request, segmentation } };
  assert.deepEqual(chunkJob({ ...other, transcriptionSource: 'speech' }), {
    kind: 'embed',
    path: '/film',
    range,
    clock,
    options: ['visual'],
    listens: true,
    segmentation: { ...segmentation, maxDurationSec: 30 },
  });
  assert.equal(chunkJob({ ...chunk, media: undefined, transcriptionSource: undefined }).clock, undefined);
});

test('a task of another bundle is refused, because vectors of two bundles are not comparable', () => {
  assert.equal(bundleId(signal), 'signal@3');
  requireBundle('signal@3', signal);
  assert.throws(() => requireBundle('signal@2', signal), { code: 'conflict', message: /signal@2.*signal@3/ });
});

test('rows are in the order of segments, then of options, without options that have no content', () => {
  const [a, b, c] = [1, 2, 3].map((value) => new Float32Array([value]));
  const rows = chunkRows({
    segments: [
      { startSec: 0, endSec: 6 },
      { startSec: 6, endSec: 9 },
    ],
    vectors: { audio: [b, undefined], visual: [a, c] },
    damages: 0,
    damaged: {},
    missingSec: {},
  });
  const first = { segment: 0, startSec: 0, endSec: 6, scope: 'clip' };
  assert.deepEqual(rows, [
    { ...first, option: 'visual', embedding: a },
    { ...first, option: 'audio', embedding: b },
    { segment: 1, startSec: 6, endSec: 9, scope: 'clip', option: 'visual', embedding: c },
  ]);
});
