import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { makeMedia } from './support/make-media.ts';
import { KEY, type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready, uploadAsset } from './support/tasks.ts';

const OTHER = { 'x-api-key': 'other-key' };

describe('API keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-access-'));
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let task: string;
  let asset: string;
  before(async () => {
    const tone = readFileSync(
      makeMedia(join(folder, 'tone.flac'), { audio: 'sine=duration=5', audioCodec: FF_ENCODER_FLAC }),
    );
    const dataDir = stack.use(temporaryFolder()).path;
    server = stack.use(await startServer({ dataDir, env: { REELVEC_API_KEYS: `${KEY},${OTHER['x-api-key']}` } }));
    asset = (await uploadAsset(server, tone, 'tone.flac')).body._id;
    task = await createTask(server, asking('audio', { asset_id: asset }, { embedding_option: ['audio'] }));
    await ready(server, task);
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  const routes = () =>
    [
      ['GET', `/embed-v2/tasks/${task}`],
      ['DELETE', `/embed-v2/tasks/${task}`],
      ['GET', `/assets/${asset}`],
      ['DELETE', `/assets/${asset}`],
    ] as const;

  test('another key finds neither the task nor the asset, and cannot delete them', async () => {
    for (const [method, path] of routes()) {
      const answer = await call(server, method, path, { headers: OTHER });
      assert.equal(answer.status, 404, `${method} ${path}`);
      assert.equal(answer.body.code, 'resource_not_exist');
    }
    for (const path of ['/embed-v2/tasks', '/assets']) {
      const { body } = await call(server, 'GET', path, { headers: OTHER });
      assert.deepEqual(body.data, []);
      assert.equal(body.page_info.total_results, 0);
      assert.equal((await call(server, 'GET', path)).body.data.length, 1, 'its own key lists it');
    }
  });

  test('another key cannot create a task of the asset, and gets the error of a missing one', async () => {
    const create = (asset_id: string) =>
      call(server, 'POST', '/embed-v2/tasks', { body: asking('audio', { asset_id }), headers: OTHER });
    const [foreign, missing] = [await create(asset), await create('0'.repeat(24))];
    for (const answer of [foreign, missing]) {
      assert.equal(answer.status, 400);
      assert.equal(answer.body.code, 'resource_not_exist');
    }
    assert.equal(foreign.body.message.replace(asset, ''), missing.body.message.replace('0'.repeat(24), ''));
  });

  test('no key, a wrong one and an empty one are 401 on every route', async () => {
    const wrong: Record<string, string>[] = [{}, { 'x-api-key': 'wrong' }, { 'x-api-key': '' }, { authorization: KEY }];
    for (const headers of [...wrong, { authorization: 'Bearer wrong' }]) {
      for (const [method, path] of [...routes(), ['POST', '/embed-v2/tasks'], ['POST', '/assets']] as const) {
        const answer = await call(server, method, path, { headers });
        assert.equal(answer.status, 401, `${method} ${path} ${JSON.stringify(headers)}`);
        assert.equal(answer.body.code, 'api_key_invalid');
        assert.equal(answer.body.error.code, 'api_key_invalid');
        assert.ok(answer.headers.get('x-request-id'));
      }
    }
  });

  test('a key as a bearer token is the same key', async () => {
    const headers = { authorization: `Bearer ${KEY}` };
    assert.equal((await call(server, 'GET', `/embed-v2/tasks/${task}`, { headers })).body.status, 'ready');
  });

  test('health and readiness need no key, and no key is in the log', async () => {
    for (const path of ['//healthz', '//readyz', '//openapi.json'])
      assert.equal((await call(server, 'GET', path, { headers: {} })).status, 200, path);
    assert.ok(!server.output().includes(KEY) && !server.output().includes(OTHER['x-api-key']));
  });
});
