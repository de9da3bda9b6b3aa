import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { hostFiles } from './support/file-host.ts';
import { makeMedia } from './support/make-media.ts';
import { KEY, ROOT, type RunningServer, startServer, temporaryFolder } from './support/server.ts';

/** Blocks that install reelvec. `npm ci` ran before this test; the files named here test what the rest promises. */
const INSTALLS: Readonly<Record<string, string>> = {
  'npm ci && npm start': 'start.test.ts',
  'npm ci && npm test': 'this test',
  'npm pack': 'installed.test.ts',
  'npm ci --omit=dev': 'production-install.test.ts',
};
const PYTHON = process.env['REELVEC_TEST_PYTHON'] ?? 'python3';
const NO_PYTHON = spawnSync(PYTHON, ['-c', 'import twelvelabs']).status !== 0 && `${PYTHON} has no package twelvelabs`;
const NO_CURL = ['curl', 'jq'].some((name) => spawnSync(name, ['--version']).status !== 0) && 'curl or jq is missing';

interface Block {
  readonly language: string;
  readonly content: string;
}

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blocks: Block[] = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, content]) => ({
  language: language!,
  content: content!,
}));
const installs = blocks.filter(({ content }) => Object.keys(INSTALLS).some((start) => content.startsWith(start)));
const shell = blocks.filter((block) => block.language === 'sh' && !installs.includes(block));
const javascript = blocks.filter(({ language }) => language === 'js');
const python = blocks.filter(({ language }) => language === 'python');

describe('the unchanged examples of the README', () => {
  const stack = new AsyncDisposableStack();
  let folder: string;
  let server: RunningServer;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  before(async () => {
    // A stand-in for a clone.
    folder = stack.use(temporaryFolder()).path;
    copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    for (const name of ['src', 'node_modules']) symlinkSync(join(ROOT, name), join(folder, name));
    makeMedia(join(folder, 'film.mp4'), {
      video: 'testsrc=size=640x360:rate=10:duration=14',
      audio: 'sine=frequency=440:duration=14',
    });
    const still = sharp({ create: { width: 320, height: 180, channels: 3, background: '#336699' } });
    writeFileSync(join(folder, 'still.jpg'), await still.jpeg().toBuffer());
    host = stack.use(await hostFiles(folder));
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path }));
  });
  after(() => stack.disposeAsync());

  /** Replaces the placeholders that every reader has to fill in, and the port. Nothing else is changed. */
  const filledIn = (text: string) =>
    text
      .replaceAll('rvk_…', KEY)
      .replaceAll('https://example.org/', `${host.url}/`)
      .replaceAll('http://127.0.0.1:1212', new URL(server.url).origin);
  const run = async (program: string, args: string[]) => {
    const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, HOME: folder, KEY };
    return promisify(execFile)(program, args, { cwd: folder, env, maxBuffer: 1 << 26, timeout: 120_000 });
  };

  test('every block is run here or by the test named for it', () => {
    assert.deepEqual(
      blocks.filter((block) => ![installs, shell, javascript, python].some((group) => group.includes(block))),
      [],
    );
    assert.equal(installs.length, Object.keys(INSTALLS).length);
    assert.deepEqual([shell.length, javascript.length, python.length], [2, 2, 1]);
  });

  test('curl: an upload, a task and its vectors, pasted in one go', { skip: NO_CURL }, async () => {
    const block = shell.find(({ content }) => content.includes('curl'))!;
    for (let round = 0; round < 3; round++) {
      const { stdout } = await run('bash', ['-ec', filledIn(block.content)]);
      const [status, count] = stdout.trim().split('\n');
      assert.equal(status, '"ready"');
      assert.ok(Number(count) > 2, stdout);
    }
  });

  test('JavaScript: the official SDK, then a search in its result', async () => {
    writeFileSync(join(folder, 'example.mjs'), filledIn(javascript.map(({ content }) => content).join('\n')));
    const { stdout, stderr } = await run(process.execPath, ['example.mjs']);
    assert.match(stdout, /^visual clip 0 \S+ 512$/m);
    assert.match(stdout, /^audio asset 0 14\S* 512$/m);
    assert.match(stdout, /similarity: [\d.]+/);
    assert.equal(stderr, '');
  });

  test('Python: the official SDK', { skip: NO_PYTHON }, async () => {
    writeFileSync(join(folder, 'example.py'), filledIn(python[0]!.content));
    const { stdout } = await run(PYTHON, ['example.py']);
    assert.match(stdout, /^visual clip 0\S* \S+ 512$/m);
    assert.match(stdout, /^audio asset 0\S* 14\S* 512$/m);
  });

  test('the command line, in a clone', async () => {
    const block = shell.find(({ content }) => content.includes('reelvec -- embed'))!;
    const { stdout } = await run('bash', ['-ec', filledIn(block.content)]);
    assert.equal(JSON.parse(readFileSync(join(folder, 'film.ndjson'), 'utf8').split('\n')[0]!).embedding.length, 512);
    assert.match(readFileSync(join(folder, 'film.html'), 'utf8'), /<html/);
    assert.match(stdout, /"shots": \[/);
    assert.match(stdout, /^rvk_[\w-]{43}$/m);
    assert.match(stdout, /Usage: reelvec COMMAND/);
  });
});
