import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { assertNothingKept, assetApp, MP4 } from '../../../test/support/asset-app.ts';

test('a client that sends all of a refused upload before it reads still gets the answer', async () => {
  await using assetsApp = await assetApp();
  const address = await assetsApp.app.listen({ port: 0, host: '127.0.0.1' });
  const answer = await new Promise<{ status?: number; body: string }>((resolve, reject) => {
    const request = httpRequest(`${address}/v1.3/assets`, {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
    });
    request.on('error', reject).on('response', (response) => {
      let body = '';
      response.on('data', (text) => (body += text)).on('end', () => resolve({ status: response.statusCode, body }));
    });
    request.write('--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n');
    for (let i = 0; i < 40; i++) request.write(Buffer.alloc(1_000_000, 1));
    request.end('\r\n--b--\r\n');
  });
  assert.equal(answer.status, 400);
  assert.equal(JSON.parse(answer.body).code, 'video_filesize_too_large');
  await assertNothingKept(assetsApp);
});

test('a client that hangs up in the middle leaves nothing behind', async () => {
  await using assetsApp = await assetApp();
  const address = await assetsApp.app.listen({ port: 0, host: '127.0.0.1' });
  const request = httpRequest(`${address}/v1.3/assets`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
  });
  request.on('error', () => {});
  request.write('--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n');
  request.write(Buffer.concat([MP4, Buffer.alloc(500_000)]));
  const temporary = () => readdir(join(assetsApp.blobs.root, '.tmp')).catch(() => []);
  while ((await temporary()).length === 0) await sleep(5);
  request.destroy();
  while ((await temporary()).length > 0) await sleep(5);
  await assertNothingKept(assetsApp);
});

test('an upload streams: memory does not grow with it', async () => {
  await using assetsApp = await assetApp({ maxUploadBytes: 1024 ** 3 });
  const address = await assetsApp.app.listen({ port: 0, host: '127.0.0.1' });
  const megabyte = Buffer.alloc(1024 ** 2, 1);
  let peak = 0;
  const before = held();
  async function* form() {
    yield Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="f.mp4"\r\n\r\n');
    yield MP4;
    for (let i = 0; i < 150; i++) {
      yield megabyte;
      if (i % 10 === 0) peak = Math.max(peak, held() - before);
    }
    yield Buffer.from('\r\n--b\r\nContent-Disposition: form-data; name="method"\r\n\r\ndirect\r\n--b--\r\n');
  }
  const response = await fetch(`${address}/v1.3/assets`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: ReadableStream.from(form()),
    duplex: 'half',
  } as RequestInit);
  const { _id } = (await response.json()) as { _id: string };
  assert.equal((await assetsApp.blobs.stat(`assets/${_id}/source`))?.size, 150 * megabyte.length + MP4.length);
  assert.ok(peak < 30 * 1024 ** 2, `${peak} bytes`);
});

/** Bytes of live buffers, after a garbage collection. */
function held(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
}
