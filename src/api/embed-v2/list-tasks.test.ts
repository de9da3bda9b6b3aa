import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIGURED_KEY, openTestApp, type TestApp, VIDEO } from '../../../test/support/app.ts';
import { newId } from '../../database/ids.ts';
import type { TaskRequest } from '../../tasks/request.ts';
import { taskPage } from './schemas.ts';

const headers = { 'x-api-key': CONFIGURED_KEY };

const REQUEST: TaskRequest = {
  inputType: 'video',
  modelName: 'marengo3.0',
  source: { kind: 'url', url: 'https://media.test/a.mp4' },
  filename: 'a.mp4',
  startSec: 1,
  segmentation: { strategy: 'fixed', durationSec: 6 },
  options: ['visual', 'audio'],
  scopes: ['clip'],
};

async function list({ app }: TestApp, query = '') {
  const response = await app.inject({ url: `/v1.3/embed-v2/tasks${query}`, headers });
  assert.equal(response.statusCode, 200, response.body);
  return taskPage.strict().parse(response.json());
}

/** Creates tasks. @returns their ids, oldest first */
async function fill(t: TestApp, count: number, request = REQUEST): Promise<string[]> {
  await t.app.inject({ url: '/v1.3/embed-v2/tasks', headers });
  const owner = String(t.log.find((line) => line['owner'])?.['owner']);
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await t.tasks.create({ id: newId(), owner, request, bundle: 'signal@1' })).id);
    await sleep(2);
  }
  return ids;
}

test('newest first, in pages; one past the end is empty', async () => {
  await using t = await openTestApp();
  const newest = (await fill(t, 23)).reverse();
  const first = await list(t);
  assert.deepEqual(
    first.data.map((task) => task._id),
    newest.slice(0, 10),
  );
  assert.deepEqual(first.page_info, { limit_per_page: 10, page: 1, total_page: 3, total_results: 23 });
  const last = await list(t, '?page=3');
  assert.deepEqual(
    last.data.map((task) => task._id),
    newest.slice(20),
  );
  assert.deepEqual((await list(t, '?page=4')).data, []);
  assert.deepEqual((await list(t, '?page=1000000000&page_limit=50')).data, []);
  assert.equal((await list(t, '?page_limit=50')).data.length, 23);
});

test('tasks of other keys are not there', async () => {
  await using t = await openTestApp();
  await t.tasks.create({ id: newId(), owner: 'another', request: REQUEST, bundle: 'signal@1' });
  assert.equal((await list(t)).page_info.total_results, 0);
});

test('a status and dates narrow the list; without dates it reaches back seven days', async (context) => {
  await using t = await openTestApp();
  const day = 24 * 3600 * 1000;
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() - 8 * day });
  const [old] = await fillAt(t);
  context.mock.timers.setTime(Date.now() + 6 * day);
  const [recent] = await fillAt(t);
  await t.tasks.setFailed(recent!, { code: 'video_file_broken', message: 'x' });
  const between = new Date(Date.now() - day).toISOString();
  context.mock.timers.setTime(Date.now() + 2 * day);
  const ids = async (query: string) => (await list(t, query)).data.map((task) => task._id);
  assert.deepEqual(await ids(''), [recent]);
  assert.deepEqual(await ids(`?started_at=${between}`), [recent]);
  assert.deepEqual(await ids(`?ended_at=${between}`), [old]);
  assert.deepEqual(await ids('?started_at=2001-01-01T00:00:00Z'), [recent, old]);
  assert.deepEqual(await ids('?started_at=2001-01-01T00:00:00%2B02:00&status=failed'), [recent]);
  assert.deepEqual(await ids('?started_at=2001-01-01T00:00:00.123456Z&status=ready'), []);
  context.mock.timers.reset();
});

async function fillAt(t: TestApp): Promise<string[]> {
  await t.app.inject({ url: '/v1.3/embed-v2/tasks', headers });
  const owner = String(t.log.find((line) => line['owner'])?.['owner']);
  return [(await t.tasks.create({ id: newId(), owner, request: REQUEST, bundle: 'signal@1' })).id];
}

test('each kind of task has its metadata under the names of the first version', async () => {
  await using t = await openTestApp();
  const [video] = await fill(t, 1);
  const shots = { ...REQUEST, segmentation: { strategy: 'dynamic', minDurationSec: 4 } } as const;
  await fill(t, 1, shots);
  const sound: TaskRequest = { ...REQUEST, inputType: 'audio', source: { kind: 'base64' }, filename: undefined };
  const [audio] = await fill(t, 1, { ...sound, options: ['audio'] });
  for (const id of [video!, audio!]) await t.tasks.setProbed(id, VIDEO, { startSec: 1, endSec: 9 });
  const { data } = await list(t);
  const [first, second, third] = data;
  assert.deepEqual(first, {
    _id: audio,
    model_name: 'marengo3.0',
    status: 'processing',
    created_at: first!.created_at,
    updated_at: first!.updated_at,
    audio_embedding: {
      metadata: {
        duration: 20.5,
        start_offset_sec: 1,
        end_offset_sec: 9,
        audio_embedding_scope: ['clip'],
        audio_embedding_scopes: ['clip'],
        audio_embedding_option: ['audio'],
        audio_embedding_options: ['audio'],
      },
    },
  });
  const input = { input_url: 'https://media.test/a.mp4', input_filename: 'a.mp4' };
  const asked = { video_embedding_scope: ['clip'], video_embedding_option: ['visual', 'audio'] };
  assert.deepEqual(second?.video_embedding?.metadata, { ...input, ...asked });
  assert.deepEqual(third?.video_embedding?.metadata, { ...input, ...asked, duration: 20.5, video_clip_length: 6 });
});

test('what cannot be is refused, naming the parameter', async () => {
  await using t = await openTestApp();
  const wrong: Record<string, RegExp> = {
    'page=0': /^page must be at least 1: got 0/,
    'page=-1': /^page /,
    'page=1.5': /^page must be a whole number: got 1\.5/,
    'page=two': /^page must be a number: got "two"/,
    'page=1&page=2': /^page /,
    'page=1e300': /^page /,
    'page_limit=0': /^page_limit must be at least 1: got 0/,
    'page_limit=51': /^page_limit must be at most 50: got 51/,
    'status=done': /^status must be "processing" or "ready" or "failed": got "done"/,
    'started_at=yesterday': /^started_at must be a time as in .*: got "yesterday"/,
    'started_at=2024-02-30T00:00:00Z': /^started_at /,
    'ended_at=2024-03-01': /^ended_at /,
    'limit=10':
      /^limit is not a parameter of this request\. Known here: page, page_limit, started_at, ended_at, status\./,
  };
  for (const [query, message] of Object.entries(wrong)) {
    const response = await t.app.inject({ url: `/v1.3/embed-v2/tasks?${query}`, headers });
    assert.equal(response.statusCode, 400, query);
    assert.match(response.json().message, message);
  }
});
