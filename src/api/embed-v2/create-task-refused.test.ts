import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audioBody, headers, postTask, TASKS, videoBody } from '../../../test/support/api-tasks.ts';
import { openTestApp } from '../../../test/support/app.ts';

const url = 'https://media.test/a.mp4';
const fixed = (duration_sec: unknown) => ({ segmentation: { strategy: 'fixed', fixed: { duration_sec } } });
const dynamic = (min_duration_sec: unknown) => ({
  segmentation: { strategy: 'dynamic', dynamic: { min_duration_sec } },
});
const source = (media_source: unknown) => ({ media_source });

/** Body, error code, start of the message, other expected text. */
const REFUSED: [object, string, string, RegExp?][] = [
  [{}, 'parameter_not_provided', 'input_type', /"video" or "audio"/],
  [{ ...videoBody(), input_type: 'text' }, 'parameter_invalid', 'input_type', /"video" or "audio": got "text"/],
  [{ ...videoBody(), input_type: 'document' }, 'parameter_invalid', 'input_type'],
  [
    { ...videoBody(), model_name: 'marengo2.7' },
    'parameter_invalid',
    'model_name',
    /"marengo3\.0" or "marengo3\.5" or "signal": got "marengo2\.7"/,
  ],
  [{ ...videoBody(), model_name: 3 }, 'parameter_invalid', 'model_name'],
  [{ ...videoBody(), video: undefined }, 'parameter_not_provided', 'video', /input_type is "video"/],
  [{ ...videoBody(), video: null }, 'parameter_not_provided', 'video'],
  [{ ...videoBody(), video: [] }, 'parameter_invalid', 'video', /must be an object: got \[\]/],
  [
    { ...videoBody(), ...audioBody(), input_type: 'video' },
    'parameter_invalid',
    'audio',
    /does not go with input_type "video"/,
  ],
  [{ ...audioBody(), input_type: 'video' }, 'parameter_not_provided', 'video'],
  [{ ...videoBody(), docment: 1 }, 'parameter_unknown', 'docment', /Known here: input_type, model_name, video, audio/],
  [{ ...videoBody(), document: {} }, 'parameter_unknown', 'document', /input_type may be "video" or "audio"/],
  [{ ...videoBody(), image: {} }, 'parameter_unknown', 'image', /input_type may be/],
  [{ ...videoBody(), document: {}, other: 1 }, 'parameter_unknown', 'document', /\. other is not a parameter of this/],
  [
    { ...videoBody(), embedding_uncertainty: true },
    'parameter_invalid',
    'embedding_uncertainty',
    /must be false: got true/,
  ],
  [{ ...videoBody(), embedding_dimension: 128 }, 'parameter_invalid', 'embedding_dimension', /must be 512: got 128/],
  [videoBody({ media_source: undefined }), 'parameter_not_provided', 'video.media_source'],
  [videoBody(source('x')), 'parameter_invalid', 'video.media_source', /must be an object: got "x"/],
  [
    videoBody(source({})),
    'parameter_not_provided',
    'video.media_source',
    /exactly one of url, base64_string and asset_id: got none/,
  ],
  [videoBody(source({ url: null, asset_id: null })), 'parameter_not_provided', 'video.media_source'],
  [videoBody(source({ url, asset_id: 'x' })), 'parameter_invalid', 'video.media_source', /got url and asset_id/],
  [videoBody(source({ url: '' })), 'parameter_invalid', 'video.media_source.url', /must not be empty/],
  [
    videoBody(source({ base64_string: '' })),
    'parameter_invalid',
    'video.media_source.base64_string',
    /must not be empty/,
  ],
  [videoBody(source({ base64_string: 'A' })), 'parameter_invalid', 'video.media_source.base64_string', /not base64/],
  [videoBody(source({ asset_id: '' })), 'parameter_invalid', 'video.media_source.asset_id', /must not be empty/],
  [videoBody(source({ url: 'x' })), 'parameter_invalid', 'video.media_source.url', /not a URL/],
  [videoBody(source({ url: 7 })), 'parameter_invalid', 'video.media_source.url', /must be a string: got 7/],
  [videoBody(source({ url: 'not a url' })), 'parameter_invalid', 'video.media_source.url'],
  [videoBody(source({ url: 'file:///etc/passwd' })), 'parameter_invalid', 'video.media_source.url'],
  [videoBody(source({ url, name: 'x' })), 'parameter_unknown', 'video.media_source.name'],
  [videoBody(source({ base64_string: '***' })), 'parameter_invalid', 'video.media_source.base64_string'],
  [videoBody(source({ asset_id: 'x' })), 'resource_not_exist', 'video.media_source.asset_id'],
  [videoBody({ start_sec: -1 }), 'parameter_invalid', 'video.start_sec', /at least 0: got -1/],
  [videoBody({ start_sec: '1' }), 'parameter_invalid', 'video.start_sec', /must be a number: got "1"/],
  [videoBody({ end_sec: 0 }), 'parameter_invalid', 'video.end_sec', /more than start_sec, which is 0: got 0/],
  [videoBody({ start_sec: 5, end_sec: 5 }), 'parameter_invalid', 'video.end_sec', /which is 5: got 5/],
  [videoBody({ segmentation: {} }), 'parameter_not_provided', 'video.segmentation.strategy', /"dynamic" or "fixed"/],
  [
    videoBody({ segmentation: { strategy: 'shots' } }),
    'parameter_invalid',
    'video.segmentation.strategy',
    /got "shots"/,
  ],
  [
    videoBody({ segmentation: { strategy: 'fixed' } }),
    'parameter_not_provided',
    'video.segmentation.fixed',
    /strategy is "fixed"/,
  ],
  [videoBody({ segmentation: { strategy: 'dynamic' } }), 'parameter_not_provided', 'video.segmentation.dynamic'],
  [
    videoBody({ segmentation: { fixed: { duration_sec: 5 } } }),
    'parameter_not_provided',
    'video.segmentation.strategy',
  ],
  [
    videoBody({ segmentation: { strategy: 'fixed', fixed: { duration_sec: 5 }, dynamic: { min_duration_sec: 4 } } }),
    'parameter_invalid',
    'video.segmentation.dynamic',
    /does not go with strategy "fixed"/,
  ],
  [
    videoBody({ segmentation: { temporal: { strategy: 'dynamic' } } }),
    'parameter_not_provided',
    'video.segmentation',
    /marengo3\.0 give strategy/,
  ],
  [videoBody(fixed(0)), 'parameter_invalid', 'video.segmentation.fixed.duration_sec', /at least 1: got 0/],
  [videoBody(fixed(11)), 'parameter_invalid', 'video.segmentation.fixed.duration_sec', /at most 10: got 11/],
  [videoBody(fixed(2.5)), 'parameter_invalid', 'video.segmentation.fixed.duration_sec', /a whole number: got 2\.5/],
  [videoBody(fixed(undefined)), 'parameter_not_provided', 'video.segmentation.fixed.duration_sec'],
  [videoBody(dynamic(6)), 'parameter_invalid', 'video.segmentation.dynamic.min_duration_sec', /at most 5: got 6/],
  [audioBody(dynamic(4)), 'parameter_invalid', 'audio.segmentation.strategy', /must be "fixed": got "dynamic"/],
  [
    audioBody({ segmentation: { strategy: 'fixed', fixed: { duration_sec: 6 }, dynamic: {} } }),
    'parameter_unknown',
    'audio.segmentation.dynamic',
  ],
  [videoBody({ embedding_option: [] }), 'parameter_invalid', 'video.embedding_option', /must not be empty/],
  [videoBody({ embedding_option: '' }), 'parameter_invalid', 'video.embedding_option.0'],
  [videoBody({ embedding_option: ['visual', 'visual'] }), 'parameter_invalid', 'video.embedding_option', /twice/],
  [videoBody({ embedding_option: ['visual', 'text'] }), 'parameter_invalid', 'video.embedding_option.1', /got "text"/],
  [videoBody({ embedding_option: 5 }), 'parameter_invalid', 'video.embedding_option', /must be a list: got 5/],
  [
    audioBody({ embedding_option: ['visual'] }),
    'parameter_invalid',
    'audio.embedding_option.0',
    /"audio" or "transcription": got "visual"/,
  ],
  [videoBody({ embedding_scope: [] }), 'parameter_invalid', 'video.embedding_scope'],
  [
    videoBody({ embedding_scope: 'local' }),
    'parameter_invalid',
    'video.embedding_scope.0',
    /"clip" or "asset": got "local"/,
  ],
  [videoBody({ embedding_type: ['fused'] }), 'parameter_invalid', 'video.embedding_type.0'],
  [
    videoBody({ embedding_type: ['fused_embedding'], embedding_option: ['visual'] }),
    'parameter_invalid',
    'video.embedding_type',
    /at least two/,
  ],
  [
    videoBody({ embedding_type: ['fused_embedding'] }),
    'parameter_invalid',
    'video.embedding_type',
    /"signal" cannot make "fused_embedding".*do not compare/,
  ],
  [
    videoBody({ embedding_type: ['separate_embedding', 'fused_embedding'] }),
    'parameter_invalid',
    'video.embedding_type',
  ],
  [videoBody({ time_based_metadata: [] }), 'parameter_unknown', 'video.time_based_metadata', /marengo3\.5/],
  [videoBody({ clip_length: 6 }), 'parameter_unknown', 'video.clip_length', /Known here: .*segmentation/],
];

test('a missing model name is that of marengo3.0', async () => {
  await using t = await openTestApp();
  for (const model_name of [undefined, null]) {
    const response = await postTask(t, { ...videoBody(), model_name });
    assert.equal(response.statusCode, 202, response.body);
    assert.equal((await t.tasks.get(response.json()._id))?.request.modelName, 'marengo3.0');
  }
});

test('what is wrong is named: the field, what was got, what is allowed', async () => {
  await using t = await openTestApp();
  for (const [body, code, field, also] of REFUSED) {
    const response = await postTask(t, body);
    const { error, ...flat } = response.json();
    const what = `${JSON.stringify(body)}\n${response.body}`;
    assert.equal(response.statusCode, 400, what);
    assert.deepEqual(error, flat, what);
    assert.equal(flat.code, code, what);
    assert.ok(flat.message.startsWith(field), what);
    if (also) assert.match(flat.message, also, what);
  }
  assert.deepEqual(t.started, []);
  assert.deepEqual(await t.tasks.unstarted(), []);
});

test('a film sent where it does not belong is not repeated in the error', async () => {
  await using t = await openTestApp();
  const film = 'A'.repeat(5_000_000);
  for (const body of [
    { ...videoBody(), model_name: film },
    { ...videoBody(), [film]: 1 },
    videoBody({ embedding_option: film }),
  ]) {
    const response = await postTask(t, body);
    assert.equal(response.statusCode, 400);
    assert.ok(response.body.length < 2000, `${response.body.length} bytes`);
  }
});

test('a body nested a hundred thousand deep is refused like any other', async () => {
  await using t = await openTestApp();
  const deep = `{"input_type":"video","model_name":"marengo3.0","video":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  const response = await t.app.inject({
    method: 'POST',
    url: TASKS,
    headers: { ...headers, 'content-type': 'application/json' },
    payload: deep,
  });
  assert.equal(response.statusCode, 400, response.body);
});
