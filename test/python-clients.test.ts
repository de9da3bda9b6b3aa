import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import sharp from 'sharp';
import { hostFiles } from './support/file-host.ts';
import { cutsBetween, makeMedia } from './support/make-media.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { call } from './support/tasks.ts';

const PYTHON = process.env['REELVEC_TEST_PYTHON'] ?? 'python3';
const SCRIPTS = join(import.meta.dirname, 'support/python');
/** Time limit of a script in milliseconds. */
const SCRIPT_TIMEOUT_MS = 300_000;
const FILM_SEC = 12;

const withoutPackage = (name: string, packageName: string) =>
  spawnSync(PYTHON, ['-c', `import ${name}`]).status === 0
    ? false
    : `${PYTHON} has no package ${packageName}; REELVEC_TEST_PYTHON names another`;
const NO_SDK = withoutPackage('twelvelabs', 'twelvelabs');
const NO_HAYSTACK = withoutPackage('haystack_integrations.components.embedders.twelvelabs', 'twelvelabs-haystack');

type Row = [option: string, scope: string, startSec: number, embedding: number[]];

describe('clients in Python', { skip: NO_SDK && NO_HAYSTACK ? NO_SDK : false }, () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  let folder: string;
  before(async () => {
    folder = stack.use(temporaryFolder()).path;
    makeMedia(join(folder, 'film.mkv'), {
      video: cutsBetween(['testsrc2', 'smptebars', 'mandelbrot', 'cellauto'], { secondsEach: FILM_SEC / 4 }),
      audio: `aevalsrc=0.4*sin(2*PI*(300+60*t)*t):d=${FILM_SEC}`,
    });
    makeMedia(join(folder, 'sound.flac'), { audio: 'sine=frequency=300:d=9', audioCodec: FF_ENCODER_FLAC });
    const still = sharp({ create: { width: 200, height: 200, channels: 3, background: 'teal' } });
    await writeFile(join(folder, 'still.jpg'), await still.jpeg().toBuffer());
    host = stack.use(await hostFiles(folder));
    server = stack.use(
      await startServer({ dataDir: stack.use(temporaryFolder()).path, env: { REELVEC_WORKERS: '1' } }),
    );
  });
  after(() => stack.disposeAsync());

  async function run(script: string, args: string[] = []): Promise<string[]> {
    const env = { ...process.env, TWELVELABS_BASE_URL: server.url, HAYSTACK_TELEMETRY_ENABLED: 'False' };
    const options = { env, timeout: SCRIPT_TIMEOUT_MS, maxBuffer: 64 * 1024 ** 2 };
    const { stdout } = await promisify(execFile)(PYTHON, [join(SCRIPTS, script), ...args], options);
    return stdout.trim().split('\n');
  }

  /** Vector of an input by `POST /embed-v2`. */
  async function byV2(body: object): Promise<number[]> {
    const answer = await call(server, 'POST', '/embed-v2', { body: { model_name: 'marengo3.0', ...body } });
    return answer.body.data[0].embedding;
  }

  test('the official SDK, unchanged: tasks, uploads, synchronous embedding, and the first version', {
    skip: NO_SDK,
  }, async () => {
    const lines = (await run('sdk_cases.py', [server.url, host.url, folder])).map((line) => JSON.parse(line));
    const saw = Object.fromEntries(lines.map((line) => [line.case, line.saw]));
    const [created, status, inputType, rows] = saw['url'] as [string, string, string, Row[]];
    assert.deepEqual([created, status, inputType], ['processing', 'ready', 'video']);
    const kinds = new Set(rows.map(([option, scope]) => `${option} ${scope}`));
    assert.deepEqual(kinds, new Set(['visual clip', 'visual asset', 'audio clip', 'audio asset']));
    assert.deepEqual(saw['base64'], saw['url']);
    assert.deepEqual(saw['asset'], saw['url']);
    assert.equal(saw['list'].length, 3);
    for (const [, state, isVideo] of saw['list']) assert.deepEqual([state, isVideo], ['ready', true]);
    assert.deepEqual(saw['errors'], [
      ['BadRequestError', 400, 'parameter_invalid'],
      ['NotFoundError', 404, 'resource_not_exist'],
      ['BadRequestError', 400, 'parameter_invalid'],
      ['ApiError', 401, 'api_key_invalid'],
    ]);
    const words = await byV2({ input_type: 'text', text: { input_text: 'dogs' } });
    assert.deepEqual(saw['text'], [[null, null, words]]);
    const base64_string = readFileSync(join(folder, 'still.jpg')).toString('base64');
    const still = await byV2({ input_type: 'image', image: { media_source: { base64_string } } });
    assert.deepEqual(saw['image'], [[null, null, still]]);
    assert.deepEqual(
      saw['audio'].map(([option, scope]: [string, string]) => `${option} ${scope}`),
      ['audio clip', 'audio clip', 'audio asset'],
    );
    assert.deepEqual(saw['newest generation'], [1, 512, false]);

    assert.deepEqual(saw['first version'], [
      words,
      still,
      [
        [1, 512],
        [7, 512],
      ],
    ]);
    const [done, segments, isListed, options] = saw['first version task'];
    assert.deepEqual([done, isListed, options], ['ready', true, ['visual']]);
    const starts = new Set(segments.map(([, scope, startSec]: [string, string, number]) => `${scope} ${startSec}`));
    assert.deepEqual(starts, new Set(['clip 0', 'clip 5', 'clip 10', 'video 0']));
  });

  test('twelvelabs-haystack, unchanged', { skip: NO_HAYSTACK }, async () => {
    const [line] = await run('haystack_cases.py');
    const float = await byV2({ input_type: 'text', text: { input_text: 'a cat playing piano' } });
    const rain = await byV2({ input_type: 'text', text: { input_text: 'rain' } });
    assert.deepEqual(JSON.parse(line!), [float, [float, rain], [float, rain]]);
  });
});
