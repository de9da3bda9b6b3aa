import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { reelvec } from './support/command.ts';
import { isAlive, processesWith, ROOT, startServer, temporaryFolder, until } from './support/server.ts';
import { NO_DISKS, smallDisk } from './support/small-disk.ts';

const KEY = /\brvk_[\w-]{43}\b/;

/** One sentence on standard error, exit code 1. @returns the sentence */
async function refused(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await reelvec(['serve', ...args], { env: { REELVEC_LOG_LEVEL: 'error', ...env } });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^reelvec: [^\n]+\.\n$/, 'no stack');
  assert.equal(stdout.toString(), '');
  return stderr;
}

describe('a start that cannot succeed', () => {
  test('a port in use: nothing is lost, and the next start prints the first key', async () => {
    using data = temporaryFolder();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const port = String((other.address() as AddressInfo).port);
    try {
      assert.match(await refused(['--port', port, '--data-dir', data.path]), new RegExp(`port ${port} .* is in use`));
    } finally {
      other.close();
    }
    await using server = await startServer({ dataDir: data.path, env: { REELVEC_API_KEYS: '' } });
    await until(() => KEY.test(server.output()), 5000, 'the key is printed');
  });

  test('an address of another machine', async () => {
    using data = temporaryFolder();
    const said = await refused(['--host', '192.0.2.1', '--port', '0', '--data-dir', data.path]);
    assert.match(said, /Cannot listen on 192\.0\.2\.1:0: .*REELVEC_HOST/);
  });

  test('folders that are files', async () => {
    using data = temporaryFolder();
    const file = join(data.path, 'file');
    writeFileSync(file, '');
    assert.match(await refused(['--port', '0', '--data-dir', file]), /data folder .*file cannot be used/);
    const blobs = ['--port', '0', '--data-dir', join(data.path, 'data'), '--blobs', `file:${file}`];
    assert.match(await refused(blobs), /folder .*file for media and results cannot be used.*REELVEC_BLOBS/);
  });

  test('folders that cannot be created', { skip: process.platform !== 'linux' && 'there is no /proc' }, async () => {
    using data = temporaryFolder();
    // /proc refuses new folders as if their parent were missing.
    const folder = '/proc/nope/data';
    const said = await refused(['--port', '0', '--data-dir', folder]);
    assert.match(said, /The data folder \/proc\/nope\/data cannot be used: no such file or directory\./);
    const blobs = ['--port', '0', '--data-dir', data.path, '--blobs', `file:${folder}`];
    assert.match(await refused(blobs), /folder \/proc\/nope\/data for media and results cannot be used.*REELVEC_BLOBS/);
  });

  test('a folder without permission', { skip: process.getuid?.() === 0 && 'root may write anywhere' }, async () => {
    assert.match(await refused(['--port', '0', '--data-dir', '/reelvec-data']), /permission denied/);
  });

  test('a full disk', { skip: NO_DISKS }, async () => {
    using data = temporaryFolder();
    using disk = smallDisk(join(data.path, 'disk'));
    disk.fill();
    assert.match(await refused(['--port', '0', '--data-dir', disk.path]), /full|no space|disk I\/O/);
  });

  test('an unreachable database and bucket; the password is not in the message', async () => {
    using data = temporaryFolder();
    const where = ['--port', '0', '--data-dir', data.path];
    const said = await refused([...where, '--database-url', 'postgres://me:secret@127.0.0.1:9/reelvec']);
    assert.match(said, /database at 127\.0\.0\.1:9\/reelvec cannot be used: connection refused/);
    assert.doesNotMatch(said, /secret/);
    const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_MAX_ATTEMPTS: '1' };
    const bucket = [...where, '--blobs', 's3://bucket/here', '--s3-endpoint', 'http://127.0.0.1:9'];
    assert.match(await refused(bucket, keys), /bucket bucket at http:\/\/127\.0\.0\.1:9 cannot be used/);
  });
});

for (const [script, args] of [
  ['start', []],
  ['reelvec', ['--', 'serve']],
] as const) {
  test(`npm run ${script} forwards SIGTERM to the server`, { timeout: 300_000 }, async () => {
    using data = temporaryFolder();
    // A server that outlives a failed test would keep the test process alive.
    using _ = {
      [Symbol.dispose]() {
        for (const pid of processesWith(data.path).filter(isAlive)) process.kill(pid, 'SIGKILL');
      },
    };
    // npm comes with Node, beside the program that runs this.
    const child = spawn('npm', ['run', script, ...args], {
      cwd: ROOT,
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        HOME: data.path,
        REELVEC_PORT: '0',
        REELVEC_DATA_DIR: data.path,
        REELVEC_API_KEYS: 'key',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    await until(() => output.includes('serves http'), 200_000, 'the server has started');
    child.kill('SIGTERM');
    await once(child, 'close');
    assert.match(output, /"stopped"/, 'in order');
    assert.deepEqual(
      processesWith(data.path).filter((pid) => isAlive(pid)),
      [],
    );
  });
}
