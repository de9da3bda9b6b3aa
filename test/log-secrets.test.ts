import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { hostFiles } from './support/file-host.ts';
import { makeMedia } from './support/make-media.ts';
import { type RunningServer, startServer, temporaryFolder, until } from './support/server.ts';
import { asking, call } from './support/tasks.ts';
import { receiver } from './support/webhook-receiver.ts';

const LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
/** Part of every secret of this test, and of nothing else. */
const MARK = 'Tell-Nobody';
const secret = (name: string) => `${MARK}-${name}-0123456789`;
const KEY = secret('key');
const headers = { 'x-api-key': KEY };

/** Sends every kind of credential that a request can carry, to operations that succeed and that fail. */
async function useSecrets(server: RunningServer, { folder, host }: { folder: string; host: string }): Promise<void> {
  const sound = readFileSync(join(folder, 'tone.flac'));
  const ways: Record<string, string>[] = [
    { 'x-api-key': secret('wrong') },
    { authorization: `Bearer ${KEY}` },
    { authorization: `Basic ${secret('basic')}` },
    { ...headers, cookie: `session=${secret('cookie')}` },
  ];
  for (const given of ways) {
    await call(server, 'GET', '/embed-v2/tasks', { headers: given });
    await call(server, 'POST', '/embed-v2/tasks', { headers: given, body: {} });
  }
  const form = new FormData();
  form.set('method', 'direct');
  form.set('enable_thumbnail', 'true');
  form.set('file', new Blob([sound]), 'tone.flac');
  const { body: asset } = await call(server, 'POST', '/assets', { body: form, headers });
  await call(server, 'GET', `/assets/${asset._id}`, { headers });
  const fromUrl = new FormData();
  fromUrl.set('method', 'url');
  fromUrl.set('url', `${host}/tone.flac?token=${secret('asset-url')}`);
  await call(server, 'POST', '/assets', { body: fromUrl, headers });
  const size = sound.length;
  const { body: upload } = await call(server, 'POST', '/assets/multipart-uploads', {
    body: { filename: 'tone.flac', type: 'audio', total_size: size },
    headers,
  });
  const [link] = upload.upload_urls;
  for (const url of [link.url, `${link.url}${secret('signature')}`]) await fetch(url, { method: 'PUT', body: sound });
  const query = `?expires=1&signature=${secret('thumbnail')}`;
  await call(server, 'GET', `/assets/${asset._id}/thumbnail${query}`, { headers: {} });
  const urls = [
    `${host}/tone.flac?X-Amz-Signature=${secret('s3')}&X-Amz-Credential=${secret('credential')}`,
    `${host}/not-there.flac?sig=${secret('azure')}`,
    `${host.replace('//', `//user:${secret('password')}@`)}/tone.flac`,
    `http://127.0.0.1:9/closed.flac?token=${secret('closed')}`,
  ];
  for (const url of urls) {
    const { body } = await call(server, 'POST', '/embed-v2/tasks', { body: asking('audio', { url }), headers });
    for (let task = body; task._id && task.status === 'processing'; ) {
      task = (await call(server, 'GET', `/embed-v2/tasks/${body._id}?wait=20`, { headers })).body;
    }
  }
}

for (const level of LEVELS) {
  test(`at level ${level} the log has no credential`, { timeout: 90_000 }, async () => {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(temporaryFolder()).path;
    makeMedia(join(folder, 'tone.flac'), { audio: 'sine=duration=5', audioCodec: FF_ENCODER_FLAC });
    const host = stack.use(await hostFiles(folder));
    const hooks = stack.use(await receiver((_, count) => (count === 1 ? 500 : 200)));
    const server = stack.use(
      await startServer({
        dataDir: stack.use(temporaryFolder()).path,
        env: {
          REELVEC_LOG_LEVEL: level,
          REELVEC_API_KEYS: KEY,
          REELVEC_WORKERS: '1',
          REELVEC_INFERENCE_AUTHORIZATION: `Bearer ${secret('inference')}`,
          REELVEC_WEBHOOKS: JSON.stringify([
            { url: `${hooks.url}/?token=${secret('hook-url')}`, secret: secret('hook') },
            { url: `${hooks.url}/services/T0/B0/${secret('hook-path')}`, secret: secret('path-hook') },
            { url: `http://127.0.0.1:9/services/${secret('closed-hook')}`, secret: secret('closed-hook-secret') },
          ]),
        },
      }),
    );
    await useSecrets(server, { folder, host: host.url });
    await until(() => hooks.all.length > 1, 20_000, 'a webhook was told');
    await server.stop();
    const output = server.output();
    const at = output.indexOf(MARK);
    assert.equal(at, -1, output.slice(Math.max(0, at - 300), at + 100));
    if (level === 'trace') assert.match(output, /"x-api-key":"\[redacted\]"/, 'headers are logged here');
    if (level === 'info') assert.match(output, /"msg":"request"/);
  });
}
