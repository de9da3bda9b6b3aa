import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, createReadStream, mkdtempSync, openAsBlob, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TwelveLabs } from 'twelvelabs-js';
import { filesIn } from './support/files.ts';
import { type Fate, type FlakyProxy, flakyProxy } from './support/flaky-proxy.ts';
import { makeMedia } from './support/make-media.ts';
import { sdk, untilAssetDone } from './support/sdk.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ended } from './support/tasks.ts';

const MEGABYTE = 1024 ** 2;
/** Padding of the file in bytes: seven chunks. */
const FILLER_BYTES = 50 * MEGABYTE;

interface Session {
  upload_id: string;
  asset_id: string;
  chunk_size: number;
  total_chunks: number;
  upload_urls: { chunk_index: number; url: string }[];
}

describe('uploads in chunks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-uploads-'));
  const stack = new AsyncDisposableStack();
  const dataDir = stack.use(temporaryFolder()).path;
  /** Makes every chunk fail once, in one of two ways. */
  const tried = new Set<string>();
  const fateOf = (method: string, path: string): Fate => {
    const chunk = /chunks\/(\d+)/.exec(path)?.[1];
    const key = path.split('?')[0]!;
    if (method !== 'PUT' || chunk === undefined || !broken || tried.has(key)) return 'pass';
    tried.add(key);
    return Number(chunk) % 2 === 0 ? '503' : 'cut';
  };
  let broken = true;
  let proxy: FlakyProxy;
  let server: RunningServer;
  let client: TwelveLabs;
  let film: string;
  let digest: string;
  const start = async () => {
    server = await startServer({ dataDir, env: { REELVEC_PUBLIC_URL: proxy.url, REELVEC_WORKERS: '1' } });
    proxy.target = server.url;
    client = sdk(server.url);
  };
  before(async () => {
    film = makeMedia(join(folder, 'film.mp4'), { video: 'testsrc2=size=640x360:rate=24:duration=20' });
    // A box that every player skips.
    const header = Buffer.alloc(8, 'free', 'latin1');
    header.writeUInt32BE(FILLER_BYTES + 8, 0);
    header.write('free', 4, 'latin1');
    appendFileSync(film, Buffer.concat([header, randomBytes(FILLER_BYTES)]));
    digest = await sha256(createReadStream(film));
    proxy = stack.use(await flakyProxy(fateOf));
    await start();
  });
  after(async () => {
    await server?.stop();
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  const begin = async () => {
    const body = { filename: 'film.mp4', type: 'video', total_size: statSync(film).size };
    const answer = await call(server, 'POST', '/assets/multipart-uploads', { body });
    assert.equal(answer.status, 201, answer.text);
    return answer.body as Session;
  };
  const put = async ({ upload_urls, chunk_size }: Session, number: number) => {
    const file = await openAsBlob(film);
    const chunk = file.slice((number - 1) * chunk_size, number * chunk_size);
    const answer = await fetch(upload_urls[number - 1]!.url, { method: 'PUT', body: chunk });
    assert.equal(answer.status, 200, await answer.text());
    return { chunk_index: number, proof: answer.headers.get('etag'), proof_type: 'etag', chunk_size: chunk.size };
  };
  const report = (session: Session, completed_chunks: object[]) =>
    call(server, 'POST', `/assets/multipart-uploads/${session.upload_id}`, { body: { completed_chunks } });

  test("the official SDK's uploadFile works unchanged, in parallel, though every chunk fails once", async (t) => {
    t.mock.method(console, 'log', () => {});
    t.mock.method(console, 'warn', () => {});
    const percents: number[] = [];
    const { assetId, assetUrl } = await client.multipartUpload.uploadFile(film, {
      batchSize: 3,
      retryDelay: 0.05,
      progressCallback: ({ percentage }) => percents.push(percentage),
    });
    assert.deepEqual([proxy.fates.cut, proxy.fates['503']], [4, 3]);
    assert.deepEqual(percents.map(Math.round), [43, 86, 100]);
    assert.equal(assetUrl, `${proxy.url}/v1.3/assets/${assetId}`);
    const asset = await untilAssetDone(client, assetId);
    assert.equal(asset.status, 'ready', asset.error?.message);
    assert.equal(asset.size, statSync(film).size);
    assert.equal(asset.technicalMetadata?.videoWidth, 640);
    const task = await createTask(server, asking('video', { asset_id: assetId }, { embedding_option: ['visual'] }));
    assert.equal((await ended(server, task)).status, 'ready');
  });

  test("the official SDK's waitForUploadCompletion waits for the last chunk", async () => {
    broken = false;
    const session = await begin();
    const states: string[] = [];
    const waiting = client.multipartUpload.waitForUploadCompletion(session.upload_id, {
      sleepInterval: 0.05,
      callback: ({ status, completedChunks }) => states.push(`${status} ${completedChunks}`),
    });
    for (let number = 1; number <= session.total_chunks; number++) await report(session, [await put(session, number)]);
    assert.deepEqual(await waiting, { status: 'completed', completedChunks: 7, totalChunks: 7 });
    assert.match(states[0]!, /^in_progress/);
    const page = await client.multipartUpload.listIncompleteUploads();
    assert.deepEqual(page.data, []);
  });

  test('a chunk that was answered with an ETag survives kill -9, and the upload resumes', async () => {
    const session = await begin();
    const first = await Promise.all([1, 2, 3].map((number) => put(session, number)));
    assert.equal((await report(session, first.slice(0, 1))).status, 200);
    await server.kill();
    await start();
    const status = await call(server, 'GET', `/assets/multipart-uploads/${session.upload_id}`);
    assert.equal(status.body.chunks_completed, 1);
    const rest = await Promise.all([4, 5, 6, 7].map((number) => put(session, number)));
    const { body } = await report(session, [...first, ...rest]);
    assert.deepEqual([body.processed_chunks, body.duplicate_chunks, body.total_completed], [6, 1, 7]);
    const asset = await untilAssetDone(client, session.asset_id);
    assert.equal(asset.status, 'ready', asset.error?.message);
    const paths = filesIn(join(dataDir, 'blobs'));
    const found = await Promise.all(paths.map((path) => sha256(createReadStream(path))));
    assert.ok(found.includes(digest));
  });

  test('a file that is not a video fails as an asset with its type', async () => {
    const wrong = Buffer.from('This is not a film. '.repeat(1000));
    const body = { filename: 'film.mp4', type: 'video', total_size: wrong.length };
    const { body: session } = await call(server, 'POST', '/assets/multipart-uploads', { body });
    const answer = await fetch(session.upload_urls[0].url, { method: 'PUT', body: wrong });
    const proof = answer.headers.get('etag')!;
    await report(session, [{ chunk_index: 1, proof, proof_type: 'etag', chunk_size: wrong.length }]);
    const asset = await untilAssetDone(client, session.asset_id);
    assert.equal(asset.status, 'failed');
    assert.match(asset.error?.message ?? '', /plain text/);
  });

  test('a chunk that is refused early gets the reason, not a closed connection', async () => {
    const session = await begin();
    const url = session.upload_urls[0]!.url.replace(/signature=.*/, 'signature=wrong');
    const answer = await fetch(url, { method: 'PUT', body: randomBytes(8 * MEGABYTE) });
    assert.equal(answer.status, 403);
    assert.equal(((await answer.json()) as { code: string }).code, 'forbidden');
  });
});

async function sha256(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of content) hash.update(bytes);
  return hash.digest('hex');
}
