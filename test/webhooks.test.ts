import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { reelvec } from './support/command.ts';
import { hostFiles } from './support/file-host.ts';
import { makeMedia } from './support/make-media.ts';
import { startServer, temporaryFolder, until } from './support/server.ts';
import { asking, call, createTask, ended, ready } from './support/tasks.ts';
import { checkSignature, receiver, SECRET } from './support/webhook-receiver.ts';

describe('webhooks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-webhooks-'));
  let host: Awaited<ReturnType<typeof hostFiles>>;
  before(async () => {
    makeMedia(join(folder, 'film.mp4'), { video: 'testsrc=size=640x360:rate=10:duration=5' });
    makeMedia(join(folder, 'tiny.mp4'), { video: 'testsrc=size=320x180:rate=10:duration=5' });
    host = await hostFiles(folder);
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
  const webhooks = (...list: object[]) => ({ REELVEC_WEBHOOKS: JSON.stringify(list) });

  test('get the end of every task, signed, again after a failure, and by hand', async () => {
    await using hook = await receiver((_, count) => [500, 302][count - 1] ?? 200);
    using data = temporaryFolder();
    const env = webhooks({ url: `${hook.url}/hook?x=1`, secret: SECRET });
    await using server = await startServer({ dataDir: data.path, env });
    const id = await createTask(server, asking('video', { url: `${host.url}/film.mp4` }));
    await ready(server, id);
    // 500 at first; after five seconds a redirect, which is a failure too.
    await until(() => hook.all.length === 2, 20_000, 'two attempts');
    assert.equal(hook.all[0]?.path, '/hook?x=1');
    hook.all.forEach(checkSignature);
    assert.equal(hook.all[0]?.body, hook.all[1]?.body);
    const event = JSON.parse(hook.all[0]!.body);
    const task = (await call(server, 'GET', `/embed-v2/tasks/${id}`)).body;
    assert.match(event.id, /^whe_[0-9a-f]{24}$/);
    assert.deepEqual(event, {
      id: event.id,
      created_at: task.updated_at,
      type: 'embed.task.ready',
      data: {
        id,
        status: 'ready',
        input_type: 'video',
        model_name: 'marengo3.0',
        created_at: task.created_at,
        updated_at: task.updated_at,
        duration: 5,
        warnings: task.warnings,
      },
    });
    const list = async () =>
      (await reelvec(['webhooks', 'list', '--json', '--data-dir', data.path])).stdout
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const [pending] = await list();
    assert.deepEqual([pending.id, pending.status, pending.attempts], [event.id, 'pending', 2]);
    assert.match(pending.last_outcome, /302/);
    const refused = await reelvec(['webhooks', 'redeliver', event.id, '--data-dir', data.path]);
    assert.equal(refused.code, 1, 'it is under way still');
  });

  test('are delivered despite a kill after the end of the task, and again by hand', async () => {
    let status = 0;
    await using hook = await receiver(() => status);
    using data = temporaryFolder();
    const env = webhooks({ url: hook.url, secret: SECRET, events: ['embed.task.failed'] });
    const first = await startServer({ dataDir: data.path, env });
    const good = await createTask(first, asking('video', { url: `${host.url}/film.mp4` }));
    const bad = await createTask(first, asking('video', { url: `${host.url}/tiny.mp4` }));
    await ready(first, good);
    assert.equal((await ended(first, bad)).status, 'failed');
    await first.kill();
    status = 200;
    await using server = await startServer({ dataDir: data.path, env });
    const taken = () => hook.all.filter(({ body }) => JSON.parse(body).data.id === bad);
    await until(() => taken().length > 0, 40_000, 'delivered after the restart');
    assert.ok(!hook.all.some(({ body }) => body.includes(good)), 'only the events that were asked for');
    const event = JSON.parse(taken()[0]!.body);
    assert.deepEqual([event.type, event.data.error.code], ['embed.task.failed', 'video_resolution_too_low']);
    const before = hook.all.length;
    await until(
      () => (server.output().match(/"status":"delivered"/g) ?? server.output().match(/delivered/g) ?? []).length > 0,
      10_000,
      'the record says so',
    );
    assert.equal((await reelvec(['webhooks', 'redeliver', event.id, '--data-dir', data.path])).code, 0);
    await until(() => hook.all.length > before, 10_000, 'delivered again');
    checkSignature(hook.all.at(-1)!);
    assert.equal(JSON.parse(hook.all.at(-1)!.body).id, event.id);
    const list = () => reelvec(['webhooks', 'list', '--status', 'delivered', '--data-dir', data.path]);
    let text = (await list()).stdout.toString();
    // The receiver gets the event a moment before the record is updated.
    for (let looks = 0; text === '' && looks < 5; looks++) text = (await list()).stdout.toString();
    assert.match(text, new RegExp(`^${event.id} .* HTTP 200 OK`, 'm'));
  });

  test('cannot reach private networks', async () => {
    using data = temporaryFolder();
    await using hook = await receiver(() => 200);
    const url = hook.url.replace('127.0.0.1', '127.0.0.2');
    await using server = await startServer({ dataDir: data.path, env: webhooks({ url, secret: SECRET }) });
    await ready(server, await createTask(server, asking('video', { url: `${host.url}/film.mp4` })));
    await until(() => /not a public address/.test(server.output()), 10_000, 'the log says why');
    assert.equal(hook.all.length, 0);
  });

  test('are refused at startup if invalid', async () => {
    using data = temporaryFolder();
    for (const [wrong, said] of [
      ['{', /REELVEC_WEBHOOKS\) must be a JSON list/],
      ['[{"url":"https://example.org","secret":"short"}]', /REELVEC_WEBHOOKS\)\.0\.secret must have at least 16/],
      ['[{"url":"ftp://example.org","secret":"0123456789abcdef"}]', /REELVEC_WEBHOOKS\)\.0\.url/],
    ] as const) {
      const outcome = await reelvec(['serve', '--data-dir', data.path], { env: { REELVEC_WEBHOOKS: wrong } });
      assert.equal(outcome.code, 2);
      assert.match(outcome.stderr, said);
    }
  });
});
