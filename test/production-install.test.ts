import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { filesIn } from './support/files.ts';
import { makeMedia } from './support/make-media.ts';
import { ROOT, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready, uploadAsset } from './support/tasks.ts';

/** README's bound for Linux x64, in bytes. */
const MAX_BYTES = 550e6;
const run = promisify(execFile);

describe('a production install', () => {
  let root: string;
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'reelvec-production-'));
    for (const name of ['src', 'bin', 'scripts', 'package.json', 'package-lock.json', '.npmrc']) {
      cpSync(join(ROOT, name), join(root, name), { recursive: true });
    }
    // The state after npm ci --omit=dev, without another copy of half a gigabyte from a cache.
    linkTree(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, HOME: root };
    await run('npm', ['prune', '--omit=dev', '--offline', '--no-audit', '--no-fund'], { cwd: root, env });
    await run(process.execPath, ['scripts/slim-install.js'], { cwd: root });
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test('takes at most 550 MB and has no development tools', {
    skip: (process.platform !== 'linux' || process.arch !== 'x64') && 'the figure is that of Linux x64',
  }, () => {
    const modules = join(root, 'node_modules');
    const bytes = filesIn(modules).reduce((sum, file) => sum + lstatSync(file).size, 0);
    assert.ok(bytes < MAX_BYTES && bytes > MAX_BYTES / 4, `${Math.round(bytes / 1e6)} MB`);
    for (const name of ['typescript', 'twelvelabs-js']) assert.ok(!readdirSync(modules).includes(name), name);
  });

  test('serves a task, a picture and a thumbnail, and loads the model runtimes', async () => {
    using data = temporaryFolder();
    const film = makeMedia(join(data.path, 'film.mp4'), {
      video: 'testsrc=size=640x360:rate=5:duration=5',
      audio: 'sine=frequency=440:duration=5',
    });
    const picture = sharp({ create: { width: 200, height: 200, channels: 3, background: '#336699' } });
    const base64_string = (await picture.jpeg().toBuffer()).toString('base64');
    await using server = await startServer({ dataDir: join(data.path, 'data'), root });
    const { body: asset } = await uploadAsset(server, readFileSync(film), 'film.mp4');
    await ready(server, await createTask(server, asking('video', { asset_id: asset._id })));
    const body = { input_type: 'image', model_name: 'marengo3.0', image: { media_source: { base64_string } } };
    assert.equal((await call(server, 'POST', '/embed-v2', { body })).status, 200);
    const device = `import { chooseDevice } from './src/encode/onnx/device.ts'; console.log(await chooseDevice('cpu'))`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', device], { cwd: root });
    assert.equal(stdout, 'cpu\n');
  });
});

/** Copies a folder of packages without its `.cache`, as hard links where the file system allows it. */
function linkTree(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      if (entry.name !== '.cache') linkTree(source, target);
    } else if (entry.isFile()) linkOrCopy(source, target);
    else cpSync(source, target, { verbatimSymlinks: true });
  }
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(source, target);
  }
}
