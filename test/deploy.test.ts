import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { reelvec } from './support/command.ts';
import { NODE_FLAGS, ROOT, startServer, temporaryFolder } from './support/server.ts';

const DEPLOY = join(ROOT, 'deploy');
const dockerfile = readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8');

test('every setting in the deployment examples exists', async () => {
  const { stdout } = await reelvec(['serve', '--help']);
  const known = `${stdout} ${readFileSync(join(ROOT, 'README.md'), 'utf8')} ${readFileSync(join(ROOT, 'docs/storage.md'), 'utf8')}`;
  for (const name of readdirSync(DEPLOY)) {
    for (const [setting] of readFileSync(join(DEPLOY, name), 'utf8').matchAll(/\bREELVEC_[A-Z0-9_]+/g)) {
      assert.ok(known.includes(setting), `${setting} in ${name}`);
    }
  }
});

test("the image's health check passes while a server or a worker answers, and only then", async () => {
  const [, json] = /^HEALTHCHECK [^[]*CMD (\[.*\])$/m.exec(dockerfile.replaceAll('\\\n', '')) ?? [];
  const [node, ...args] = JSON.parse(String(json)) as string[];
  assert.equal(node, 'node');
  const check = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, args, { env }).then(
      () => 'healthy',
      ({ code }) => `ended with ${code}`,
    );
  using data = temporaryFolder();
  await using server = await startServer({ dataDir: data.path });
  const { port } = new URL(server.url);
  const nobody = '9';
  assert.equal(await check({ REELVEC_PORT: port, REELVEC_WORKER_PORT: nobody }), 'healthy');
  assert.equal(await check({ REELVEC_PORT: nobody, REELVEC_WORKER_PORT: port }), 'healthy');
  assert.equal(await check({ REELVEC_PORT: nobody, REELVEC_WORKER_PORT: nobody }), 'ended with 1');
});

test('Node gets the same flags in every way to start a server', () => {
  const starter = readFileSync(join(ROOT, 'bin/reelvec.js'), 'utf8');
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.ok(NODE_FLAGS.length > 0);
  for (const flag of NODE_FLAGS) {
    assert.ok(starter.includes(`'${flag}'`) && dockerfile.includes(`"${flag}"`), flag);
    assert.ok(scripts.reelvec.includes(flag), flag);
  }
});

test('the build context contains everything that the Dockerfile copies', () => {
  const sent = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'));
  for (const [, words] of dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)) {
    for (const path of words!.split(' ').slice(0, -1)) {
      assert.ok(sent.includes(`!${path.replace(/^\.\//, '')}`), path);
      assert.ok(existsSync(join(ROOT, path)), path);
    }
  }
});
