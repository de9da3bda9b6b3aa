import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { pictureAt } from './support/looking.ts';
import { cutsBetween, makeMedia } from './support/make-media.ts';
import { KEY, ROOT, type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, createTask, ready, uploadAsset } from './support/tasks.ts';

const PYTHON = process.env['REELVEC_TEST_PYTHON'] ?? 'python3';
/** Time limit of one example in milliseconds. Go compiles its standard library at first. */
const EXAMPLE_TIMEOUT_MS = 600_000;

const missing = (program: string, args: string[], reason: string) =>
  spawnSync(program, args).status === 0 ? undefined : reason;
const withoutPackage = (name: string) =>
  missing(PYTHON, ['-c', `import ${name}`], `${PYTHON} has no package ${name}; REELVEC_TEST_PYTHON names another`);

describe('the unchanged examples', () => {
  const stack = new AsyncDisposableStack();
  let folder: string;
  let server: RunningServer;
  before(async () => {
    folder = join(stack.use(temporaryFolder()).path, 'examples');
    cpSync(join(ROOT, 'examples'), folder, {
      recursive: true,
      filter: (path) => !/\.(onnx|parquet|duckdb)$/.test(path),
    });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    makeMedia(join(folder, 'film.mp4'), {
      video: cutsBetween(['testsrc2', 'smptebars', 'rgbtestsrc'], { size: '640x360', secondsEach: 5 }),
      audio: 'sine=frequency=440:duration=15',
    });
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path }));
  });
  after(() => stack.disposeAsync());

  async function run(program: string, args: string[], { cwd = folder, api = server.url } = {}): Promise<string[]> {
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, KEY, API: api };
    const { stdout } = await promisify(execFile)(program, args, { cwd, env, timeout: EXAMPLE_TIMEOUT_MS });
    return stdout.trim().split('\n');
  }

  /** Lines that name an option, a start, an end, and three values of a vector. */
  function assertClips(lines: string[]): void {
    for (const option of ['visual', 'audio'])
      assert.ok(
        lines.some((line) => new RegExp(`^${option}(\\s+[\\d.]+){2}(\\s+\\[?-?[\\d.e-]+){3}`).test(line)),
        `${option}:\n${lines.join('\n')}`,
      );
  }

  const noCurl = missing('curl', ['--version'], 'curl is missing') ?? missing('jq', ['--version'], 'jq is missing');
  test('curl', { skip: noCurl }, async () => assertClips(await run('./embed.sh', ['film.mp4'])));

  test('JavaScript', async () => assertClips(await run(process.execPath, ['embed.mjs', 'film.mp4'])));

  test('Python', { skip: withoutPackage('twelvelabs') }, async () =>
    assertClips(await run(PYTHON, ['embed.py', 'film.mp4'])),
  );

  test('Go', { skip: missing('go', ['version'], 'go is missing'), timeout: EXAMPLE_TIMEOUT_MS }, async () =>
    assertClips(await run('go', ['run', '.', '../film.mp4'], { cwd: join(folder, 'go') })),
  );

  test('search by picture finds the shot of the picture', async () => {
    const { data, width, height } = pictureAt(join(folder, 'film.mp4'), 7, { width: 320, height: 180 });
    const still = sharp(data, { raw: { width, height, channels: 3 } });
    writeFileSync(join(folder, 'still.jpg'), await still.jpeg().toBuffer());
    const [best] = await run(process.execPath, ['search-by-picture.mjs', 'film.mp4', 'still.jpg']);
    const [similarity, startSec] = best!.split(' ').map(Number);
    assert.ok(similarity! > 0.8, best);
    assert.ok(Math.abs(startSec! - 5) < 0.2, best);
  });

  test('DuckDB', { skip: withoutPackage('duckdb') }, async () => {
    const { body } = await uploadAsset(server, readFileSync(join(folder, 'film.mp4')), 'film.mp4');
    const task = await createTask(server, asking('video', { asset_id: body._id }));
    await ready(server, task);
    const lines = await run(PYTHON, ['duckdb_export.py', task]);
    assert.match(lines[0]!, /^[1-9]\d* clips in embeddings\.duckdb/);
    assert.match(lines[1]!, new RegExp(`^${task} [\\d.]+ ${task} [\\d.]+ -?[\\d.]+$`));
    assert.ok(existsSync(join(folder, 'embeddings.duckdb')));
  });

  test('custom bundle', { skip: withoutPackage('onnx') }, async () => {
    const cwd = join(folder, 'custom-bundle');
    await run(PYTHON, ['make_model.py'], { cwd });
    await using custom = await startServer({
      dataDir: stack.use(temporaryFolder()).path,
      env: { REELVEC_BUNDLE: join(cwd, 'bundle.json') },
    });
    assertClips(await run(process.execPath, ['embed.mjs', 'film.mp4'], { api: custom.url }));
    rmSync(join(cwd, 'colours.onnx'));
  });
});
