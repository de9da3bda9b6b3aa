/**
 * Calls every method of both official SDKs that reelvec serves, against a real server. Fails when an SDK has a method of
 * these clients that is not called.
 *   node bench/regression/sdk.ts
 * Needs Python with the package `twelvelabs`; its path may be given in PYTHON.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FF_ENCODER_PCM_S16LE } from 'node-av/constants';
import sharp from 'sharp';
import { type TwelveLabs, TwelvelabsApi } from 'twelvelabs-js';
import { hostFiles } from '../../test/support/file-host.ts';
import { makeMedia } from '../../test/support/make-media.ts';
import { sdk, untilAssetDone, untilDone } from '../../test/support/sdk.ts';
import { KEY, startServer, temporaryFolder } from '../../test/support/server.ts';

const UNKNOWN_ID = '0123456789abcdef01234567';
const modelName = 'marengo3.0';

await using stack = new AsyncDisposableStack();
const folder = stack.use(temporaryFolder());
const media = stack.use(temporaryFolder());
const at = (name: string) => join(media.path, name);
const video = 'testsrc2=size=640x360:rate=12:duration=6';
const audio = 'sine=frequency=440:duration=6';
const film = makeMedia(at('film.mp4'), { video, audio });
const sound = makeMedia(at('sound.wav'), { audio, audioCodec: FF_ENCODER_PCM_S16LE });
const picture = at('picture.jpg');
await sharp({ create: { width: 320, height: 240, channels: 3, background: 'teal' } }).toFile(picture);
const host = stack.use(await hostFiles(media.path));
const server = stack.use(await startServer({ dataDir: folder.path }));
const filmUrl = `${host.url}/film.mp4`;

await javascript(sdk(server.url));
// A second server, so that the lists begin empty.
const other = stack.use(await startServer({ dataDir: join(folder.path, 'python') }));
const script = join(import.meta.dirname, 'sdk.py');
const python = spawn(process.env['PYTHON'] ?? 'python3', [script, film, sound, picture, filmUrl], {
  stdio: 'inherit',
  env: { ...process.env, TWELVELABS_BASE_URL: other.url, KEY },
});
const [code] = await once(python, 'close');
if (code !== 0) process.exitCode = 1;

async function javascript(client: TwelveLabs): Promise<void> {
  const called = new Set<string>();
  const watched = {
    v2: watch('v2', client.embed.v2, called),
    tasks: watch('tasks', client.embed.v2.tasks, called),
    assets: watch('assets', client.assets, called),
    uploads: watch('uploads', client.multipartUpload, called),
  };
  const { v2, tasks, assets, uploads } = watched;
  const base64 = (path: string) => readFileSync(path).toString('base64');

  const asset = await assets.create({ method: 'direct', file: createReadStream(film), userMetadata: '{"take": 3}' });
  assert.equal(asset.status, 'ready');
  const byUrl = await assets.create({ method: 'url', url: filmUrl, filename: 'from-url.mp4' });
  await untilAssetDone(client, byUrl.id!);
  const metadata = async () => (await assets.retrieve(asset.id!)).userMetadata;
  await assets.updateUserMetadata(asset.id!, { userMetadata: { scene: '4b' } });
  assert.deepEqual(await metadata(), { take: 3, scene: '4b' });
  await assets.replaceUserMetadata(asset.id!, { userMetadata: { scene: '5' } });
  assert.deepEqual(await metadata(), { scene: '5' });
  await assets.deleteUserMetadata(asset.id!);
  assert.equal(Object.keys((await metadata()) ?? {}).length, 0);
  assert.deepEqual(await ids(assets.list({ pageLimit: 1, assetTypes: ['video'] })), [byUrl.id, asset.id]);
  assert.deepEqual(await ids(assets.list({ filename: 'from-URL' })), [byUrl.id]);
  await assert.rejects(assets.retrieveTranscription(asset.id!), TwelvelabsApi.NotFoundError);

  assert.ok((await uploads.uploadFile(film, { fileType: 'video' })).assetId);
  const totalSize = statSync(film).size;
  const begun = await uploads.create({ filename: 'cut.mp4', type: 'video', totalSize });
  const incomplete = [];
  for await (const { uploadId } of await uploads.listIncompleteUploads()) incomplete.push(uploadId);
  assert.deepEqual(incomplete, [begun.uploadId]);
  const more = await uploads.getAdditionalPresignedUrls(begun.uploadId!, { start: 1, count: 1 });
  const put = await fetch(more.uploadUrls![0]!.url!, { method: 'PUT', body: readFileSync(film) });
  const proof = put.headers.get('etag')!.replaceAll('"', '');
  const chunk = { chunkIndex: 1, proof, proofType: 'etag' as const, chunkSize: totalSize };
  const reported = await uploads.reportChunkBatch(begun.uploadId!, { completedChunks: [chunk] });
  assert.equal(reported.totalCompleted, 1);
  for await (const { status } of await uploads.getStatus(begun.uploadId!)) assert.equal(status, 'completed');
  await uploads.waitForUploadCompletion(begun.uploadId!, { sleepInterval: 100 });

  const created = [
    await tasks.create({ inputType: 'video', modelName, video: { mediaSource: { assetId: asset.id } } }),
    await tasks.create({ inputType: 'video', modelName, video: { mediaSource: { url: filmUrl }, endSec: 4 } }),
    await tasks.create({ inputType: 'audio', modelName, audio: { mediaSource: { base64String: base64(sound) } } }),
  ];
  for (const { id } of created) assert.equal((await untilDone(client, id!)).status, 'ready');
  assert.equal((await tasks.retrieve(created[0]!.id!)).data![0]!.embedding!.length, 512);
  assert.deepEqual(await ids(tasks.list({ pageLimit: 2 })), created.map(({ id }) => id).reverse());
  await assert.rejects(tasks.retrieve(UNKNOWN_ID), TwelvelabsApi.NotFoundError);
  const unknown = { inputType: 'video', modelName, video: { mediaSource: { assetId: UNKNOWN_ID } } } as const;
  await assert.rejects(tasks.create(unknown), TwelvelabsApi.BadRequestError);

  const still = { base64String: base64(picture) };
  const queries: TwelvelabsApi.embed.CreateEmbeddingsRequest[] = [
    { inputType: 'text', modelName, text: { inputText: 'a lighthouse' } },
    { inputType: 'image', modelName, image: { mediaSource: still } },
    { inputType: 'audio', modelName, audio: { mediaSource: { base64String: base64(sound) } } },
    { inputType: 'video', modelName, video: { mediaSource: { assetId: asset.id } } },
    {
      inputType: 'multi_input',
      modelName,
      multiInput: { mediaSources: [{ name: 'still', mediaType: 'image', ...still }] },
    },
  ];
  for (const query of queries) {
    const { data } = await v2.create(query);
    assert.ok(data!.length > 0 && data!.every(({ embedding }) => embedding!.length === 512), query.inputType);
  }
  await assets.delete(asset.id!);
  await assert.rejects(assets.retrieve(asset.id!), TwelvelabsApi.NotFoundError);

  const missed = Object.entries(watched).flatMap(([name, part]) =>
    methodsOf(part)
      .map((method) => `${name}.${method}`)
      .filter((method) => !called.has(method)),
  );
  assert.deepEqual(missed, []);
  console.log(`JavaScript SDK: ${called.size} methods ok`);
}

async function ids(page: PromiseLike<AsyncIterable<{ id?: string }>>): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for await (const { id } of await page) found.push(id);
  return found;
}

/** The client, wrapped so that the names of called methods are recorded. */
function watch<T extends object>(name: string, part: T, called: Set<string>): T {
  return new Proxy(part, {
    get(target, property) {
      const value = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      called.add(`${name}.${String(property)}`);
      return value.bind(target);
    },
  });
}

/** Public methods of a client of the SDK: its generated code marks the others with an underscore. */
function methodsOf(part: object): string[] {
  const names = new Set<string>();
  for (let type = Object.getPrototypeOf(part); type !== Object.prototype; type = Object.getPrototypeOf(type))
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(type)))
      if (typeof value === 'function' && name !== 'constructor' && !name.startsWith('_')) names.add(name);
  return [...names];
}
