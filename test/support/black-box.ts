import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type TwelveLabs, TwelvelabsApi, TwelvelabsApiError } from 'twelvelabs-js';
import { checkEmbeddings } from './embeddings.ts';
import { hostFiles } from './file-host.ts';
import { sdk, untilAssetDone, untilDone } from './sdk.ts';
import { type RunningServer, startServer, temporaryFolder } from './server.ts';

/** Test media, all in one folder. */
export interface Material {
  readonly folder: string;
  /** A video with sound and a text track. */
  readonly film: string;
  readonly filmSec: number;
  /** A video with sound and without text. */
  readonly plain: string;
  readonly plainSec: number;
  /** A video without sound. */
  readonly silent: string;
  /** WAV, MP3 or FLAC. */
  readonly audio: string;
  readonly audioSec: number;
  /** File that is not media, under any name. */
  readonly broken: string;
}

const CLI = join(import.meta.dirname, '../../src/cli.ts');
const run = promisify(execFile);

/** Black-box tests of the API: a real server and the official SDK. */
export function blackBox(
  name: string,
  material: () => Material,
  { settings, skip }: { settings?: (dataDir: string) => Promise<Record<string, string>>; skip?: string } = {},
): void {
  describe(name, { skip }, () => {
    const stack = new AsyncDisposableStack();
    let server: RunningServer;
    let client: TwelveLabs;
    let host: Awaited<ReturnType<typeof hostFiles>>;
    let media: Material;
    before(async () => {
      media = material();
      const dataDir = stack.use(temporaryFolder()).path;
      host = stack.use(await hostFiles(media.folder));
      server = stack.use(await startServer({ dataDir, env: await settings?.(dataDir) }));
      client = sdk(server.url);
    });
    after(() => stack.disposeAsync());

    const path = (file: string) => join(media.folder, file);
    const create = (request: Parameters<typeof client.embed.v2.tasks.create>[0]) =>
      client.embed.v2.tasks.create(request);

    test('a video by URL: fixed segments, every option, clips and asset', async () => {
      const url = `${host.url}/${media.film}`;
      const created = await create({
        inputType: 'video',
        modelName: 'marengo3.0',
        video: { mediaSource: { url }, segmentation: { strategy: 'fixed', fixed: { durationSec: 2 } } },
      });
      assert.equal(created.status, 'processing');
      const task = await untilDone(client, created.id!);
      assert.equal(task.status, 'ready', JSON.stringify(task.error));
      const visualAndAudio = task.data!.filter((item) => item.embeddingOption !== 'transcription');
      const { segments } = checkEmbeddings(visualAndAudio, { options: ['visual', 'audio'], endSec: media.filmSec });
      assert.ok(segments.slice(0, -1).every(({ startSec, endSec }) => endSec - startSec === 2));
      const spoken = task.data!.filter((item) => item.embeddingOption === 'transcription');
      assert.ok(spoken.length >= 2 && spoken.length < segments.length + 1, 'text where there is text');
      const metadata = task.metadata as TwelvelabsApi.EmbeddingVideoMetadata;
      assert.equal(metadata.inputUrl, url);
      assert.equal(metadata.inputFilename, basename(media.film));
      assert.equal(metadata.clipLength, 2);
      assert.equal(metadata.duration, media.filmSec);
      assert.deepEqual(metadata.embeddingScopes, ['clip', 'asset']);
      assert.deepEqual(metadata.embeddingOptions, ['visual', 'audio', 'transcription']);
    });

    test('a video as an asset: dynamic segments in a range, the same as from the command line', async () => {
      const asset = await client.assets.create({ method: 'direct', file: createReadStream(path(media.plain)) });
      const ready = await untilAssetDone(client, asset.id!);
      assert.equal(ready.status, 'ready');
      assert.equal(ready.filename, basename(media.plain));
      const { id } = await create({
        inputType: 'video',
        modelName: 'marengo3.0',
        video: {
          mediaSource: { assetId: asset.id },
          startSec: 1,
          endSec: 9,
          segmentation: { strategy: 'dynamic', dynamic: { minDurationSec: 2 } },
          embeddingOption: ['visual', 'audio'],
        },
      });
      const task = await untilDone(client, id!);
      assert.equal(task.status, 'ready', JSON.stringify(task.error));
      checkEmbeddings(task.data!, { options: ['visual', 'audio'], startSec: 1, endSec: 9 });

      const flags = [
        '--segmentation',
        'dynamic:2',
        '--start',
        '1',
        '--end',
        '9',
        '--option',
        'visual',
        '--option',
        'audio',
      ];
      const { stdout } = await run(process.execPath, [CLI, 'embed', path(media.plain), ...flags], {
        maxBuffer: 1 << 28,
      });
      const answer = await fetch(`${server.url}/embed-v2/tasks/${id}`, { headers: { 'x-api-key': 'test-key' } });
      assert.deepEqual(JSON.parse(stdout).data, ((await answer.json()) as { data: unknown }).data);
      await client.assets.delete(asset.id!);
      await assert.rejects(() => client.assets.retrieve(asset.id!), TwelvelabsApi.NotFoundError);
    });

    test('audio by base64: the fixed default of six seconds', async () => {
      const base64String = readFileSync(path(media.audio)).toString('base64');
      const { id } = await create({
        inputType: 'audio',
        modelName: 'marengo3.0',
        audio: { mediaSource: { base64String }, embeddingOption: ['audio'] },
      });
      const task = await untilDone(client, id!);
      assert.equal(task.status, 'ready', JSON.stringify(task.error));
      const { segments } = checkEmbeddings(task.data!, { options: ['audio'], endSec: media.audioSec });
      assert.equal(segments[0]?.endSec, Math.min(6, media.audioSec));
    });

    test('options that a video lacks are omitted with a warning; if none is left, the task fails with the reason', async () => {
      const url = `${host.url}/${media.silent}`;
      const video = { mediaSource: { url } };
      const both = await create({ inputType: 'video', modelName: 'marengo3.0', video });
      const ready = (await untilDone(client, both.id!)) as TwelvelabsApi.EmbeddingTaskResponse & {
        warnings?: string[];
      };
      assert.equal(ready.status, 'ready');
      assert.deepEqual([...new Set(ready.data!.map((item) => item.embeddingOption))], ['visual']);
      assert.ok(ready.warnings?.some((warning) => /sound/.test(warning)));
      const audioOnly = { mediaSource: { url }, embeddingOption: ['audio' as const] };
      const { id } = await create({ inputType: 'video', modelName: 'marengo3.0', video: audioOnly });
      const failed = await untilDone(client, id!);
      assert.equal(failed.status, 'failed');
      assert.match(failed.error?.message ?? '', /audio/);
    });

    test('the list pages through every task, newest first, to its end', async () => {
      const ids: string[] = [];
      for await (const task of await client.embed.v2.tasks.list({ pageLimit: 2 })) ids.push(task.id!);
      assert.equal(ids.length, 5);
      assert.deepEqual(ids, [...ids].sort().reverse());
    });

    test('errors reach the SDK as its own classes, with a code and a sentence', async () => {
      const bad = async (mediaSource: TwelvelabsApi.MediaSource) =>
        assert.rejects(
          () => create({ inputType: 'video', modelName: 'marengo3.0', video: { mediaSource } }),
          (error) => {
            assert.ok(error instanceof TwelvelabsApi.BadRequestError, String(error));
            const body = error.body as { code: string; message: string; error: { code: string } };
            assert.ok(body.message.length > 20);
            assert.equal(body.error.code, body.code);
            return true;
          },
        );
      await bad({ url: `${host.url}/nothing-here.mp4` });
      await bad({ url: `${host.url}/${media.broken}` });
      await bad({ url: 'http://127.0.0.2:9/closed.mp4' });
      await bad({ base64String: Buffer.from('no media').toString('base64') });
      await bad({ assetId: '000000000000000000000000' });
      await bad({});
      await assert.rejects(
        () => client.embed.v2.tasks.retrieve('000000000000000000000000'),
        TwelvelabsApi.NotFoundError,
      );
      await assert.rejects(
        () => sdk(server.url, 'wrong').embed.v2.tasks.list(),
        (error) => error instanceof TwelvelabsApiError && error.statusCode === 401,
      );
    });

    test('deleting a task removes all of its data', async () => {
      const url = `${host.url}/${media.plain}`;
      const { id } = await create({ inputType: 'video', modelName: 'marengo3.0', video: { mediaSource: { url } } });
      const answer = await fetch(`${server.url}/embed-v2/tasks/${id}`, {
        method: 'DELETE',
        headers: { 'x-api-key': 'test-key' },
      });
      assert.equal(answer.status, 204);
      await assert.rejects(() => client.embed.v2.tasks.retrieve(id!), TwelvelabsApi.NotFoundError);
    });

    test('SIGTERM shuts the server down gracefully', async () => {
      assert.equal(await server.stop(), 0);
      assert.doesNotMatch(server.output(), /Warning|Deprecat|at .*\.ts:\d+/);
    });
  });
}
