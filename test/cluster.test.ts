import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chunksDone, openCluster, untilEmbedding } from './support/cluster.ts';
import { childrenOf, isAlive, until } from './support/server.ts';
import { NO_POSTGRES } from './support/shared-state.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';

describe('work on several nodes with PostgreSQL and S3', { skip: NO_POSTGRES }, () => {
  let cluster: Awaited<ReturnType<typeof openCluster>>;
  before(async () => {
    cluster = await openCluster();
  });
  after(() => cluster[Symbol.asyncDispose]());

  test('the chunks of one task run on every worker, and any node has the result', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await cluster.node(nodes, { REELVEC_WORKERS: '0' });
    const other = await cluster.node(nodes, { REELVEC_WORKERS: '0' });
    const workers = await Promise.all([cluster.worker(nodes), cluster.worker(nodes)]);
    const id = await createTask(api, cluster.long());
    const { data } = await ready(other, id, 120_000);
    const done = workers.map((server) => chunksDone(server, id));
    assert.deepEqual([done[0]! + done[1]!, chunksDone(api, id)], [4, 0]);
    assert.ok(Math.min(...done) >= 1, `each has done its share: ${done}`);

    const again = await ready(api, await createTask(other, cluster.long()), 120_000);
    assert.ok(again.data === data, 'the same bytes, however the chunks fell');
  });

  test('an upload is answered once another node has prepared the asset', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await cluster.node(nodes, { REELVEC_WORKERS: '0' });
    await cluster.worker(nodes);
    const form = new FormData();
    form.set('method', 'direct');
    form.set('file', new Blob([readFileSync(join(cluster.folder, 'short.flac'))]), 'short.flac');
    const { status, body } = await call(api, 'POST', '/assets', { body: form });
    assert.deepEqual([status, body.status], [201, 'ready']);
    await ready(api, await createTask(api, asking('audio', { asset_id: body._id })));
  });

  test('a short task does not wait for a long one, of the same key or another', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await cluster.node(nodes, { REELVEC_WORKERS: '0', REELVEC_API_KEYS: 'test-key,other-key' });
    const only = await cluster.worker(nodes);
    const id = await createTask(api, cluster.long());
    await until(() => chunksDone(only, id) >= 1, 60_000, 'the long task is being worked on');
    const body = cluster.short();
    const mine = await createTask(api, body);
    const others = (await call(api, 'POST', '/embed-v2/tasks', { body, headers: { 'x-api-key': 'other-key' } })).body;
    await ready(api, mine);
    const { body: theirs } = await call(api, 'GET', `/embed-v2/tasks/${others._id}?wait=10`, {
      headers: { 'x-api-key': 'other-key' },
    });
    assert.equal(theirs.status, 'ready');
    assert.ok(chunksDone(only, id) <= 3, 'the long task is not over yet');
    await call(api, 'DELETE', `/embed-v2/tasks/${id}`);
  });

  test('a worker for one option does not claim chunks of others', async () => {
    await using nodes = new AsyncDisposableStack();
    const own = await cluster.emptyState();
    const api = await cluster.node(nodes, { ...own, REELVEC_WORKERS: '0' });
    const only = await cluster.worker(nodes, ['--only', 'audio'], own);
    const pictures = await createTask(api, cluster.long({ embedding_option: ['visual'], end_sec: 20 }));
    const sound = await createTask(api, cluster.long({ embedding_option: ['audio'], end_sec: 20 }));
    await ready(api, sound);
    const waiting = async () => {
      const metrics = await fetch(new URL('/metrics', only.url), { headers: { authorization: 'Bearer test-key' } });
      return /reelvec_queue_length\{workflow="embed-chunk",state="waiting"\} (\d+)/.exec(await metrics.text())?.[1];
    };
    // Fetching and planning, which any worker does, come first.
    for (let looks = 0; (await waiting()) !== '1'; looks++) {
      assert.ok(looks < 100, 'the chunk of pictures is in the queue');
      await sleep(50);
    }
    const { body } = await call(api, 'GET', `/embed-v2/tasks/${pictures}`);
    assert.deepEqual([body.status, body.progress], ['processing', { fraction: 0, stage: 'embedding' }]);
    await cluster.worker(nodes, ['--only', 'visual,audio'], own);
    await ready(api, pictures);
  });

  test('a media worker starts the next chunk while the previous block is written', async (t) => {
    await using nodes = new AsyncDisposableStack();
    const api = await cluster.node(nodes, { REELVEC_WORKERS: '0' });
    const only = await cluster.worker(nodes);
    const slow = await createTask(api, cluster.short());
    cluster.state.s3.faults(({ method, url }) =>
      method === 'PUT' && url.includes(`${slow}/chunks/`) ? 'dawdle' : undefined,
    );
    t.after(() => cluster.state.s3.faults(() => undefined));
    const next = await createTask(api, cluster.short());
    await ready(api, slow);
    await ready(api, next);
    const chunks = only
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"chunk embedded"'));
    assert.deepEqual(
      chunks.map((line) => JSON.parse(line).taskId),
      [next, slow],
    );
  });

  test('DELETE on one node frees the worker on another within 2 s', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await cluster.node(nodes, { REELVEC_WORKERS: '0' });
    const far = await cluster.worker(nodes);
    for (let round = 0; round < 3; round++) {
      const id = await createTask(api, cluster.slow());
      await untilEmbedding(api, id);
      const media = childrenOf(far.pid);
      assert.equal((await call(api, 'DELETE', `/embed-v2/tasks/${id}`)).status, 204);
      await until(() => media.some((pid) => !isAlive(pid)), 2000, 'the media process that worked on it is gone');
      assert.equal(chunksDone(far, id), 0);
    }
    await ready(api, await createTask(api, cluster.short()), 10_000);
  });
});
