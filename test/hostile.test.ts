import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import type { InputType } from '../src/domain/media-kind.ts';
import { hostFiles } from './support/file-host.ts';
import { makeMedia } from './support/make-media.ts';
import { seededRandom } from './support/seeded-random.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ended, ready, uploadAsset } from './support/tasks.ts';

const DAMAGED_PER_FILE = 5;

describe('hostile input', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-hostile-'));
  const path = (name: string) => join(folder, name);
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  before(async () => {
    const track = { video: 'testsrc=size=640x360:rate=24:duration=5', audio: 'sine=frequency=440:duration=5' };
    makeMedia(path('whole.mp4'), track);
    makeMedia(path('whole.mkv'), track);
    makeMedia(path('whole.flac'), { audio: track.audio, audioCodec: FF_ENCODER_FLAC });
    host = stack.use(await hostFiles(folder));
    // Short timeouts, so that a hang costs seconds and not minutes.
    server = stack.use(
      await startServer({
        dataDir: stack.use(temporaryFolder()).path,
        env: { REELVEC_WORKER_SILENCE_SEC: '10', REELVEC_API_KEYS: 'test-key' },
      }),
    );
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  test('a truncated or damaged file ends as failed with a sentence, or as ready; never in a 5xx or a hang', async (t) => {
    const random = seededRandom(t);
    const names = ['whole.mp4', 'whole.mkv', 'whole.flac'].flatMap((name) => {
      const whole = readFileSync(path(name));
      return Array.from({ length: DAMAGED_PER_FILE }, (_, i) => {
        const damaged = Buffer.from(i === 0 ? whole.subarray(0, 1000 + random(whole.length - 1000)) : whole);
        // Some flips hit the structure at the beginning, most hit the content.
        const reach = i === 1 ? 4096 : damaged.length;
        if (i > 0) for (let flips = 0; flips < 40; flips++) damaged[random(reach)]! ^= 1 << random(8);
        writeFileSync(path(`damaged-${i}-${name}`), damaged);
        return `damaged-${i}-${name}`;
      });
    });
    const ends = await Promise.all(names.map((name) => endOf(name, name.endsWith('.flac') ? 'audio' : 'video')));
    t.diagnostic(names.map((name, i) => `${name}: ${ends[i]}`).join(', '));
    const base64 = await Promise.all(
      names.map((name) => {
        const base64_string = readFileSync(path(name)).toString('base64');
        const type = name.endsWith('.flac') ? 'audio' : 'video';
        return call(server, 'POST', '/embed-v2/tasks', { body: asking(type, { base64_string }) });
      }),
    );
    for (const { status, text } of base64) assert.ok([202, 400].includes(status), `${status} ${text.slice(0, 300)}`);
  });

  test('half a Matroska file is embedded as far as it goes, with a warning about the rest', async () => {
    const whole = readFileSync(path('whole.mkv'));
    writeFileSync(path('half.mkv'), whole.subarray(0, whole.length / 2));
    const task = await ready(
      server,
      await createTask(
        server,
        asking(
          'video',
          { url: `${host.url}/half.mkv` },
          { segmentation: { strategy: 'fixed', fixed: { duration_sec: 1 } }, embedding_option: ['visual'] },
        ),
      ),
    );
    assert.match(task.warnings.join(' '), /\d of 5 segments have nothing to embed as visual/);
  });

  test('half an MP4 file without its index fails with advice', async () => {
    const whole = readFileSync(path('whole.mp4'));
    writeFileSync(path('half.mp4'), whole.subarray(0, whole.length / 2));
    const task = await ended(server, await createTask(server, asking('video', { url: `${host.url}/half.mp4` })));
    assert.equal(task.status, 'failed');
    assert.match(task.error?.message ?? '', /damaged, or cut off before its index.*send the whole file/i);
  });

  test('files that refer to others are refused by URL, base64 and asset, and no referenced file is opened', async () => {
    // Opening a FIFO for reading waits for a writer: a process that follows the playlist hangs and is found below.
    const trap = path('trap.ts');
    execFileSync('mkfifo', [trap]);
    const external: [string, Buffer] = ['external.mov', withExternalMedia(readFileSync(path('whole.mp4')), trap)];
    for (const [name, text] of [...playlists(`${host.url}/piece.ts`, trap), external]) {
      writeFileSync(path(name), text);
      host.requests.length = 0;
      const sources = [{ url: `${host.url}/${name}` }, { base64_string: Buffer.from(text).toString('base64') }];
      for (const source of sources) {
        const answer = await call(server, 'POST', '/embed-v2/tasks', { body: asking('video', source) });
        if (answer.status === 202) {
          const { status, error } = await ended(server, answer.body._id);
          assert.equal(status, 'failed', name);
          assert.match(error?.code ?? '', /^(source_not_media|video_file_broken)$/);
        } else {
          assert.equal(answer.status, 400, `${name}: ${answer.text}`);
          assert.match(answer.body.code, /^(source_not_media|video_file_broken)$/);
        }
      }
      const asset = await uploadAsset(server, Buffer.from(text), name);
      // The tables of the MOV can be read; only a task looks for the files that they list.
      const isRefused = asset.status === 400 || asset.body.status === 'failed' || name === 'external.mov';
      assert.ok(isRefused, `${name}: ${asset.text}`);
      assert.deepEqual([...new Set(host.requests)], [`/${name}`], 'nothing else was asked for');
      assert.throws(() => closeSync(openSync(trap, constants.O_WRONLY | constants.O_NONBLOCK)), { code: 'ENXIO' });
    }
  });

  test('media is recognised by content, also with the name of a playlist', async () => {
    for (const name of ['whole.mkv', 'whole.mp4']) {
      copyFileSync(path(name), path(`${name}.m3u8`));
      const url = `${host.url}/${name}.m3u8`;
      await ready(server, await createTask(server, asking('video', { url }, { embedding_option: ['visual'] })));
    }
  });

  async function endOf(name: string, type: InputType): Promise<string> {
    const body = asking(type, { url: `${host.url}/${name}` });
    const created = await call(server, 'POST', '/embed-v2/tasks', { body });
    if (created.status === 400) return created.body.code;
    assert.equal(created.status, 202, `${name}: ${created.text.slice(0, 300)}`);
    const task = await ended(server, created.body._id, 120_000);
    if (task.status === 'ready') return `ready, ${task.warnings.length} warnings`;
    assert.ok(task.error?.message, name);
    assert.notEqual(task.error.code, 'internal_server_error', `${name}: ${task.error.message}`);
    return task.error.code;
  }
});

/** Files that name others, as pairs of a name and a content; some are made to look like something else. */
function playlists(url: string, local: string): [name: string, text: string][] {
  const hls = (entry: string, hidden = '') =>
    `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n${hidden}#EXTINF:5,\n${entry}\n#EXT-X-ENDLIST\n`;
  const dash = (base: string) =>
    `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S" ` +
    `profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation ` +
    `id="1" bandwidth="1"><BaseURL>${base}</BaseURL></Representation></AdaptationSet></Period></MPD>`;
  const sdp = 'c=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n';
  return [
    ['remote.m3u8', hls(url)],
    ['local.m3u8', hls(`file://${local}`)],
    ['hls-named.mp4', hls(local)],
    // With a control character it does not count as text: only the allow list of containers refuses it.
    ['hidden-remote.mp4', hls(url, '#\u0001\n')],
    ['hidden-local.mp4', hls(local, '#\u0001\n')],
    ['remote.mpd', dash(url)],
    ['dash-named.mp4', dash(`file://${local}`)],
    ['hidden-dash.mp4', dash(url).replace('<Period>', '<Period><!--\u0001-->')],
    ['list.ffconcat', `ffconcat version 1.0\nfile '${local}'\n`],
    ['concat-named.mp4', `ffconcat version 1.0\nfile '${url}'\n`],
    ['hidden-concat.mp4', `ffconcat version 1.0\n#\u0001\nfile '${local}'\n`],
    ['session.sdp', `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\n${sdp}`],
    ['hidden-session.mp4', `v=0\n\u0001=1\ns=x\n${sdp}`],
  ];
}

/** Film whose samples are in another file, which QuickTime's alias records name. */
function withExternalMedia(film: Buffer, target: string): Buffer {
  const name = (text: string, length: number) =>
    Buffer.concat([Buffer.from([text.length]), Buffer.from(text), Buffer.alloc(length)], length + 1);
  const volume = name('disk', 27);
  const path = Buffer.from(`disk${target.replaceAll('/', ':')}`);
  const padded = Buffer.concat([path, Buffer.alloc(path.length % 2)]);
  const levels = Buffer.from([0, 1, 0, 1]);
  const absolute = Buffer.from([0, 2, padded.length >> 8, padded.length & 255]);
  const record = [
    Buffer.alloc(10),
    volume,
    Buffer.alloc(12),
    name('trap.ts', 63),
    Buffer.alloc(16),
    levels,
    Buffer.alloc(16),
  ];
  const alias = box('alis', Buffer.alloc(4), ...record, absolute, padded, Buffer.from([255, 255, 0, 0]));
  const references = box('dref', Buffer.alloc(4), Buffer.from([0, 0, 0, 1]), alias);
  const parents = ['moov', 'trak', 'mdia', 'minf', 'dinf'];
  const rewrite = (content: Buffer): Buffer[] => {
    const boxes: Buffer[] = [];
    for (let at = 0; at < content.length; at += content.readUInt32BE(at)) {
      const whole = content.subarray(at, at + content.readUInt32BE(at));
      const type = whole.toString('latin1', 4, 8);
      if (type === 'dref') boxes.push(references);
      else boxes.push(parents.includes(type) ? box(type, ...rewrite(whole.subarray(8))) : whole);
    }
    return boxes;
  };
  return Buffer.concat(rewrite(film));
}

function box(type: string, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), ...content]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length + 4);
  return Buffer.concat([size, body]);
}
