import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeMedia } from './support/make-media.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { type Answer, asking, call, createTask, ended, ready } from './support/tasks.ts';

describe('assets that are used before they are ready', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-wait-'));
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let film: Buffer;
  let host: Server;
  /** Continues answers that have stopped after their first bytes. */
  let release = Promise.withResolvers<void>();
  before(async () => {
    film = readFileSync(
      makeMedia(join(folder, 'film.mp4'), {
        video: 'testsrc=size=640x360:rate=5:duration=5',
        audio: 'sine=frequency=440:duration=5',
      }),
    );
    // The first request is the check at creation. A later one gets some bytes, and the rest after `release`.
    let looks = new Set<string>();
    host = createServer(async (request, response) => {
      const path = String(request.url);
      const content = path.startsWith('/broken') ? Buffer.concat([film.subarray(0, 200), Buffer.alloc(20_000)]) : film;
      response.writeHead(200, { 'content-length': content.length });
      const isFirst = !looks.has(path);
      looks = looks.add(path);
      if (isFirst) return response.end(content);
      response.write(content.subarray(0, 100));
      await release.promise;
      response.end(content.subarray(100));
    }).listen(0, '127.0.0.1');
    await once(host, 'listening');
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path }));
  });
  after(async () => {
    await stack.disposeAsync();
    host.closeAllConnections();
    host.close();
    rmSync(folder, { recursive: true });
  });

  const upload = (content: Uint8Array, filename: string): Promise<Answer> => {
    const form = new FormData();
    form.set('method', 'direct');
    form.set('file', new Blob([Uint8Array.from(content)]), filename);
    return call(server, 'POST', '/assets', { body: form });
  };
  const fromUrl = async (path: string): Promise<string> => {
    const { port } = host.address() as AddressInfo;
    const form = new FormData();
    form.set('method', 'url');
    form.set('url', `http://127.0.0.1:${port}${path}`);
    const { status, body } = await call(server, 'POST', '/assets', { body: form });
    assert.deepEqual([status, body.status], [201, 'processing'], 'is answered before it is fetched');
    return body._id;
  };
  const visual = (asset_id: string) => asking('video', { asset_id }, { embedding_option: ['visual'] });

  test('an upload is answered when the asset is ready: tasks and queries can use it immediately', async () => {
    const { status, body } = await upload(film, 'film.mp4');
    assert.deepEqual([status, body.status, body.error], [201, 'ready', undefined]);
    const [task, query] = await Promise.all([
      call(server, 'POST', '/embed-v2/tasks', { body: visual(body._id) }),
      call(server, 'POST', '/embed-v2', { body: visual(body._id) }),
    ]);
    assert.deepEqual([task.status, query.status], [202, 200], task.text.slice(0, 200) + query.text.slice(0, 200));
    await ready(server, task.body._id);
  });

  test('many uploads at the same time, each used immediately', async () => {
    const tasks = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const { body } = await upload(Buffer.concat([film, Buffer.alloc(i)]), `film-${i}.mp4`);
        assert.equal(body.status, 'ready');
        return createTask(server, visual(body._id));
      }),
    );
    for (const id of tasks) await ready(server, id);
  });

  test('an unreadable upload is answered with 201, status failed and the reason', async () => {
    const { status, body } = await upload(Buffer.concat([film.subarray(0, 200), Buffer.alloc(20_000)]), 'broken.mp4');
    assert.deepEqual([status, body.status], [201, 'failed']);
    const { body: later } = await call(server, 'GET', `/assets/${body._id}`);
    assert.deepEqual(body.error, later.error);
    assert.ok(body.error.message.length > 20);
  });

  test('a task of an asset in preparation is accepted and waits; a query waits for its answer', async () => {
    release = Promise.withResolvers();
    const id = await fromUrl('/slow.mp4');
    const query = call(server, 'POST', '/embed-v2', { body: visual(id) });
    const task = await createTask(server, visual(id));
    const refused = await call(server, 'DELETE', `/assets/${id}`);
    assert.deepEqual([refused.status, refused.body.details.tasks], [409, [task]], 'the asset is in use');
    const { body } = await call(server, 'GET', `/embed-v2/tasks/${task}`);
    assert.deepEqual([body.status, body.progress.fraction], ['processing', 0]);
    release.resolve();
    assert.equal((await query).status, 200);
    const result = await ready(server, task);
    const again = await ready(server, await createTask(server, visual(id)));
    assert.ok(again.data === result.data, 'the same vectors as from an asset that was ready');
  });

  test('the tasks that wait for an asset fail with the reason if it fails or is deleted with force', async () => {
    release = Promise.withResolvers();
    const [broken, deleted] = await Promise.all([fromUrl('/broken.mp4'), fromUrl('/deleted.mp4')]);
    const tasks = await Promise.all([broken, deleted].map((id) => createTask(server, visual(id))));
    assert.equal((await call(server, 'DELETE', `/assets/${deleted}?force=true`)).status, 204);
    release.resolve();
    const [first, second] = await Promise.all(tasks.map((id) => ended(server, id)));
    const { body: asset } = await call(server, 'GET', `/assets/${broken}`);
    assert.deepEqual([first!.status, second!.status, asset.status], ['failed', 'failed', 'failed']);
    assert.ok(first!.error!.message.endsWith(`has failed: ${asset.error.message}`), first!.error!.message);
    assert.match(second!.error!.message, /deleted, with force/);
  });
});
