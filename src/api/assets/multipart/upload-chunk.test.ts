import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AssetApp, assetApp } from '../../../../test/support/asset-app.ts';
import { begin, CHUNK, FILE, PARTS, put, putAll, report } from '../../../../test/support/multipart-client.ts';

const HALF = PARTS[0].length >> 1;

/** Sends the first half of chunk 1. */
async function sendHalf({ app }: AssetApp, { port, path }: { port: string; path: string }): Promise<ClientRequest> {
  const arrived = once(app.server, 'request');
  const headers = { 'content-length': PARTS[0].length };
  const sent = request({ port, path, method: 'PUT', agent: false, headers });
  sent.on('error', () => {});
  sent.write(PARTS[0].subarray(0, HALF));
  await arrived;
  return sent;
}

describe('a chunk of an upload', () => {
  test('a request that receives nothing for ten seconds gives way to its repetition', async (t) => {
    await using made = await assetApp();
    const upload = await begin(made);
    const { port } = new URL(await made.app.listen());
    const url = upload.upload_urls[0]!.url;
    const { pathname, search } = new URL(url);
    const stalled = await sendHalf(made, { port, path: pathname + search });
    const repetition = put(made, url, PARTS[0]);
    await sleep(600);
    const now = performance.now.bind(performance);
    t.mock.method(performance, 'now', () => now() + 10_000);
    const { status } = await repetition;
    assert.equal(status, 200);
    stalled.destroy();
    assert.equal((await report(made, upload.upload_id, await putAll(made, upload))).body.total_completed, 2);
  });

  test('a chunk of another length than planned is refused and can be sent again', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    for (const bytes of [PARTS[0].subarray(1), Buffer.concat([PARTS[0], Buffer.from('x')])]) {
      const { status, body } = await put(made, upload.upload_urls[0]?.url, bytes);
      assert.equal(status, 400);
      assert.equal(body.details.expected_bytes, CHUNK);
    }
    assert.equal((await report(made, upload.upload_id, await putAll(made, upload))).body.total_completed, 2);
  });

  test('a chunk can be sent again until it is reported, and not after', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    const url = upload.upload_urls[0]?.url;
    await put(made, url, randomBytes(CHUNK));
    const chunks = await putAll(made, upload);
    await report(made, upload.upload_id, chunks.slice(0, 1));
    const { status, body } = await put(made, url, PARTS[0]);
    assert.deepEqual([status, body.code], [403, 'forbidden']);
    assert.match(body.message, /The URL was used: chunk 1 is complete/);
    await report(made, upload.upload_id, chunks);
    assert.ok((await buffer(made.blobs.read(`assets/${upload.asset_id}/source`))).equals(FILE));
  });

  test('a request that hung up and is processed after its repetition does not disturb it', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    const { port } = new URL(await made.app.listen());
    const { pathname, search } = new URL(upload.upload_urls[0]!.url);
    const startPut = () => sendHalf(made, { port, path: pathname + search });
    const repetition = await startPut();
    const stale = await startPut();
    stale.destroy();
    const answered = once(repetition, 'response');
    repetition.end(PARTS[0].subarray(HALF));
    const [response] = await answered;
    response.resume();
    assert.equal(response.statusCode, 200);
    const { status, etag } = await put(made, upload.upload_urls[1]!.url, PARTS[1]);
    assert.equal(status, 200);
    const proofs = [response.headers.etag, etag].map((proof) => proof.replaceAll('"', ''));
    const chunks = proofs.map((proof, i) => ({
      chunk_index: i + 1,
      proof,
      proof_type: 'etag',
      chunk_size: PARTS[i]!.length,
    }));
    assert.equal((await report(made, upload.upload_id, chunks)).body.total_completed, 2);
    assert.ok((await buffer(made.blobs.read(`assets/${upload.asset_id}/source`))).equals(FILE));
  });

  test('concurrent requests for a chunk all succeed, and those of a wrong length fail', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    const url = upload.upload_urls[0]?.url;
    const payloads = [PARTS[0], PARTS[0], PARTS[0].subarray(1), PARTS[0]];
    const answers = await Promise.all(payloads.map((payload) => put(made, url, payload)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 400, 200],
    );
    assert.equal((await report(made, upload.upload_id, await putAll(made, upload))).body.total_completed, 2);
  });

  test('what was noted of a chunk does not count once it is being sent anew', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    const chunks = await putAll(made, upload);
    assert.equal((await put(made, upload.upload_urls[0]?.url, randomBytes(100))).status, 400);
    const { status, body } = await report(made, upload.upload_id, chunks);
    assert.equal(status, 400);
    assert.match(body.message, /Chunk 1 has not been received/);
  });

  test('a link is for one chunk of one upload, and for its time', async () => {
    await using made = await assetApp();
    const { upload_urls } = await begin(made);
    const other = await begin(made);
    const url = upload_urls[0]!.url;
    const expires = Number(new URL(url).searchParams.get('expires'));
    const changed = [
      url.replace('/chunks/1', '/chunks/2'),
      url.replace(/uploads\/\w+/, `uploads/${other.upload_id}`),
      url.replace(`expires=${expires}`, `expires=${expires + 1}`),
      url.slice(0, -1),
    ];
    for (const wrong of changed) {
      const { status, body } = await put(made, wrong, PARTS[0]);
      assert.deepEqual([status, body.code], [403, 'forbidden'], wrong);
    }
    const unsigned = await put(made, url.split('?')[0], PARTS[0]);
    assert.deepEqual([unsigned.status, unsigned.body.code], [400, 'parameter_not_provided']);
  });
});
