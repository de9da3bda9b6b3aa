import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIDEO } from '../../test/support/media-info.ts';
import { taskMetadata } from './metadata.ts';
import type { TaskRequest } from './request.ts';

const range = { startSec: 2, endSec: 14 };
const request: TaskRequest = {
  inputType: 'video',
  modelName: 'marengo3.0',
  source: { kind: 'base64' },
  startSec: 2,
  segmentation: { strategy: 'fixed', durationSec: 6 },
  options: ['visual', 'audio'],
  scopes: ['clip', 'asset'],
};
const base = {
  input_type: 'video',
  embedding_scopes: ['clip', 'asset'],
  embedding_options: ['visual', 'audio'],
  duration: VIDEO.durationSec,
  start_offset_sec: 2,
  end_offset_sec: 14,
};

test('metadata repeats the request, without fields that do not apply', () => {
  assert.deepEqual(taskMetadata({ request, media: VIDEO, range }), { ...base, clip_length: 6 });
  const dynamic: TaskRequest = { ...request, segmentation: { strategy: 'dynamic', minDurationSec: 4 } };
  assert.deepEqual(taskMetadata({ request: dynamic, media: VIDEO, range }), base);
  const audio: TaskRequest = { ...request, inputType: 'audio' };
  assert.deepEqual(taskMetadata({ request: audio, media: VIDEO, range }), { ...base, input_type: 'audio' });
});

test('metadata has the source, the fusion, the dimension and the source of the transcription', () => {
  const url = 'https://example.com/film.mp4';
  const more: TaskRequest = {
    ...request,
    source: { kind: 'url', url },
    filename: 'film.mp4',
    fused: 'beside',
    dimension: 256,
  };
  const expected = {
    ...base,
    clip_length: 6,
    input_url: url,
    input_filename: 'film.mp4',
    embedding_types: ['separate_embedding', 'fused_embedding'],
    embedding_dimension: 256,
    transcription_source: 'speech',
  };
  assert.deepEqual(taskMetadata({ request: more, media: VIDEO, range, transcriptionSource: 'speech' }), expected);
  const instead = taskMetadata({ request: { ...request, fused: 'instead' }, media: VIDEO, range });
  assert.deepEqual(instead.embedding_types, ['fused_embedding']);
});
