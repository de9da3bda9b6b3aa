import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { reelvec } from './support/command.ts';
import {
  type EmbeddingsServer,
  MODEL_NAME,
  type ServerKind,
  startEmbeddingsServer,
} from './support/embeddings-server.ts';
import { hostFiles } from './support/file-host.ts';
import { makeMedia } from './support/make-media.ts';
import { type RunningServer, startServer, temporaryFolder, until } from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';

interface Item {
  readonly embedding: number[];
  readonly embedding_option: string;
  readonly embedding_scope: string;
}

/** A bundle of one model on embeddings servers for everything. */
function bundleOf(dialect: ServerKind): object {
  const encoder = { kind: 'openai-embeddings', dialect, model: MODEL_NAME, space: 'one', dimension: 768 };
  const as = dialect === 'vllm' ? 'video' : 'images';
  return {
    name: 'served',
    revision: '1',
    can: 'Tests.',
    cannot: 'Anything else.',
    licence: 'none',
    expect: { memoryMb: 64, speed: 'Fast.' },
    dimensions: [128, 256, 512],
    visual: { ...encoder, joint: dialect !== 'sglang', pictures: { perSecond: 2, perClip: 4, maxSide: 64, as } },
    audio: { ...encoder, sound: { windowSec: 4 } },
    transcription: { ...encoder, text: { prefix: 'text: ' } },
    textQueries: [{ ...encoder, text: { prefix: 'query: ' } }],
  };
}

for (const kind of ['vllm', 'sglang', 'llama.cpp'] as const satisfies readonly ServerKind[]) {
  describe(`a bundle on ${kind} servers`, () => {
    const stack = new AsyncDisposableStack();
    const served: EmbeddingsServer[] = [];
    let server: RunningServer;
    let folder: string;
    let env: Record<string, string>;
    let url: string;

    before(async () => {
      folder = stack.use(temporaryFolder()).path;
      makeMedia(join(folder, 'film.mkv'), {
        video: 'testsrc2=size=640x360:rate=12:duration=12',
        audio: 'aevalsrc=0.4*sin(300*t*t):d=12',
        subtitles: [{ startSec: 1, endSec: 3, text: 'the red car' }],
      });
      url = `${stack.use(await hostFiles(folder)).url}/film.mkv`;
      const first = await startEmbeddingsServer({ kind });
      served.push(first, await startEmbeddingsServer({ kind, model: first.model }));
      writeFileSync(join(folder, 'served.json'), JSON.stringify(bundleOf(kind)));
      env = {
        REELVEC_BUNDLE: join(folder, 'served.json'),
        REELVEC_INFERENCE_URLS: served.map((each) => each.url).join(','),
        REELVEC_INFERENCE_PATIENCE_SEC: '1',
      };
      server = stack.use(await startServer({ dataDir: join(folder, 'data'), env }));
    });
    after(async () => {
      await stack.disposeAsync();
      for (const each of served) await each.stop();
    });

    const embed = async (whileItRuns: () => Promise<void> = async () => {}) => {
      const segmentation = { strategy: 'fixed', fixed: { duration_sec: 6 } };
      const id = await createTask(server, asking('video', { url }, { segmentation }));
      await whileItRuns();
      const { data } = await ready(server, id, 120_000);
      return (JSON.parse(`{${data}`) as { data: Item[] }).data;
    };
    const query = async (input: object) => {
      const answer = await call(server, 'POST', '/embed-v2', { body: { model_name: 'marengo3.0', ...input } });
      assert.equal(answer.status, 200, answer.text);
      return answer.body.data[0].embedding as number[];
    };

    test('embeds pictures, sound and words, and answers queries in their space', async () => {
      const items = await embed();
      const counts = Object.groupBy(items, (item) => `${item.embedding_option} ${item.embedding_scope}`);
      for (const option of ['visual', 'audio']) assert.equal(counts[`${option} clip`]?.length, 2, option);
      const [words] = counts['transcription clip']!;
      const wanted = (await served[0]!.model.embed([{ kind: 'text', text: 'text: the red car' }])).slice(0, 512);
      const cosine = wanted.reduce((sum, value, i) => sum + value * words!.embedding[i]!, 0) / Math.hypot(...wanted);
      assert.ok(cosine > 0.99999, `cosine ${cosine}`);
      const text = await query({ input_type: 'text', text: { input_text: 'the red car' } });
      assert.equal(text.length, 512);
      assert.notDeepEqual(text, words!.embedding);
    });

    test('embeds a picture with words', async () => {
      const png = sharp({ create: { width: 640, height: 360, channels: 3, background: 'teal' } }).png();
      const media_source = { base64_string: (await png.toBuffer()).toString('base64') };
      const count = served[0]!.answered.length + served[1]!.answered.length;
      const input = { input_type: 'text_image', text_image: { media_source, input_text: 'and rain' } };
      const vector = await query(input);
      assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5);
      const requests = served[0]!.answered.length + served[1]!.answered.length - count;
      assert.equal(requests, kind === 'sglang' ? 2 : 1);
    });

    // The rest is the same for all kinds, but that llama.cpp has another media marker after a restart.
    if (kind !== 'llama.cpp') return;

    test('waits for servers that are away, and gives the same vectors', async () => {
      const before = await embed();
      for (const each of served) await each.stop();
      const again = await embed(async () => {
        await until(() => /No inference server answered/.test(server.output()), 30_000, 'the outage is logged');
        const { port, model } = served[1]!;
        served.push(await startEmbeddingsServer({ kind, port, model }));
      });
      assert.ok(JSON.stringify(again) === JSON.stringify(before), 'vectors differ');
    });

    test('does not start with a wrong length of vectors', async () => {
      const wrong = readFileSync(join(folder, 'served.json'), 'utf8').replaceAll('768', '1024');
      writeFileSync(join(folder, 'wrong.json'), wrong);
      const settings = { REELVEC_BUNDLE: join(folder, 'wrong.json'), REELVEC_DATA_DIR: join(folder, 'other') };
      const { code, stderr } = await reelvec(['serve'], { env: { ...env, ...settings, REELVEC_PORT: '0' } });
      assert.equal(code, 2);
      assert.match(stderr, /It sent 768 values, where the bundle's "dimension" is 1024/);
    });
  });
}
