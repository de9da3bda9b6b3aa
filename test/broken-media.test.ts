import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type TwelveLabs, TwelvelabsApi } from 'twelvelabs-js';
import { ReelvecError } from '../src/errors.ts';
import { probe } from '../src/media/probe.ts';
import { hostFiles } from './support/file-host.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';
import { sdk, untilDone } from './support/sdk.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';

type Task = TwelvelabsApi.EmbeddingTaskResponse & { warnings?: string[] };

/** The promises of docs/media.md about broken files, on a real server with real files. */
describe('broken media', { skip: NO_REAL_MEDIA }, () => broken(join(REAL_MEDIA, 'broken')));

function broken(folder: string): void {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let client: TwelveLabs;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  let lists: string;
  before(async () => {
    host = stack.use(await hostFiles(folder));
    lists = stack.use(temporaryFolder()).path;
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path }));
    client = sdk(server.url);
  });
  after(() => stack.disposeAsync());

  const create = (name: string) => {
    const mediaSource = { url: `${host.url}/${name}` };
    return client.embed.v2.tasks.create(
      /\.(flac|wav)$/.test(name)
        ? { inputType: 'audio', modelName: 'marengo3.0', audio: { mediaSource, embeddingOption: ['audio'] } }
        : { inputType: 'video', modelName: 'marengo3.0', video: { mediaSource, embeddingOption: ['visual', 'audio'] } },
    );
  };

  /** Refusal of the request, or the ended task. */
  async function outcome(name: string): Promise<{ refused: string } | { task: Task }> {
    try {
      const { id } = await create(name);
      return { task: await untilDone(client, id!) };
    } catch (error) {
      assert.ok(error instanceof TwelvelabsApi.BadRequestError, `${name}: ${error}`);
      return { refused: (error.body as { message: string }).message };
    }
  }

  async function reasonOf(name: string): Promise<string> {
    const ended = await outcome(name);
    if ('refused' in ended) return ended.refused;
    assert.equal(ended.task.status, 'failed', name);
    return ended.task.error?.message ?? '';
  }

  async function warningsOf(name: string): Promise<string> {
    const ended = await outcome(name);
    assert.ok('task' in ended, `${name}: ${JSON.stringify(ended)}`);
    assert.equal(ended.task.status, 'ready', JSON.stringify(ended.task.error));
    assert.ok(ended.task.data!.length > 0);
    return (ended.task.warnings ?? []).join(' ');
  }

  test('a file that is not media is refused with a sentence, whatever its name', async () => {
    for (const name of ['empty', 'random_bytes', 'text_named', 'page_named', 'zip_named']) {
      assert.match(await reasonOf(`${name}.mp4`), /\w+ \w+ \w+.*\./, name);
    }
  });

  test('a playlist is refused, and nothing that it names is requested', async () => {
    const named = `${host.url}/truncated_half_faststart.mp4`;
    const local = join(folder, 'truncated_half_faststart.mp4');
    const texts: Record<string, string> = {
      'hls.m3u8': `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${named}\n#EXTINF:10,\n${local}\n#EXT-X-ENDLIST\n`,
      'concat.mp4': `ffconcat version 1.0\nfile ${named}\nfile ${local}\n`,
      'dash.mpd': `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet><Representation id="1" mimeType="video/mp4"><BaseURL>${named}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
      'lines.txt': `${named}\n`,
    };
    for (const name of ['playlist_named.mp4', 'concat_named.mp4'])
      texts[name] = readFileSync(join(folder, name), 'utf8');
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(lists, name), text);
    await using own = await hostFiles(lists);
    const before = host.requests.length;
    for (const name of Object.keys(texts)) {
      const video = { mediaSource: { url: `${own.url}/${name}` } };
      await assert.rejects(
        () => client.embed.v2.tasks.create({ inputType: 'video', modelName: 'marengo3.0', video }),
        TwelvelabsApi.BadRequestError,
        name,
      );
      const base64String = Buffer.from(texts[name]!).toString('base64');
      await assert.rejects(
        () =>
          client.embed.v2.tasks.create({
            inputType: 'video',
            modelName: 'marengo3.0',
            video: { mediaSource: { base64String } },
          }),
        TwelvelabsApi.BadRequestError,
        name,
      );
    }
    // Media workers refuse them too, independent of the source.
    for (const name of Object.keys(texts)) assert.throws(() => probe(join(lists, name)), ReelvecError, name);
    assert.equal(host.requests.length, before);
  });

  test('media outside the limits is refused with the limit and what was found', async () => {
    assert.match(await reasonOf('too_short_3.5s.mp4'), /3\.5 s.*4 s/);
    assert.match(await reasonOf('too_small_320x180.mp4'), /320×180.*360/);
    assert.match(await reasonOf('too_wide_3to1.mp4'), /3\.00:1.*2\.4:1/);
    assert.match(await reasonOf('too_large_5200x2170.mp4'), /5200×2170.*5184×2160/);
  });

  test('a truncated file is embedded as far as it goes, with a warning of the missing time', async () => {
    assert.match(
      await warningsOf('truncated_half_faststart.mp4'),
      /Of 20 s, 13\.\d+ s of the pictures and 13\.\d+ s of the sound/,
    );
    assert.match(await warningsOf('truncated.webm'), /Of 5\.06 s, 3\.\d+ s of the pictures and 3\.\d+ s of the sound/);
    assert.match(await warningsOf('truncated.flac'), /Of 11 s, 7\.\d+ s of the sound/);
  });

  test('an almost unreadable file gets no result', async () => {
    assert.match(await reasonOf('truncated_no_moov.mp4'), /Only 2\.\d+ s of 216\.01 s could be read/);
  });

  test('the intact parts of a damaged file are embedded, with a warning of the lost time', async () => {
    assert.match(await warningsOf('bit_flips.mp4'), /\d+ places could not be decoded.* 0\.\d+ s of the sound/);
    assert.match(await warningsOf('bit_flips.mp4'), /Damage affects the pictures at 0\.\d+–20 s, and the sound at/);
    assert.match(await warningsOf('bit_flips_in_header.mp4'), /no sound track.*places? could not be decoded/);
  });

  test('a header with a wrong size changes nothing', async () => {
    assert.equal(await warningsOf('wav_claims_4gb.wav'), '');
  });

  test('the server still works', async () => {
    const answer = await fetch(new URL('/healthz', server.url));
    assert.equal(answer.status, 200);
    assert.doesNotMatch(server.output(), /at .*\.ts:\d+/);
  });
}
