import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { reelvec } from './support/command.ts';
import { filesIn } from './support/files.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { call } from './support/tasks.ts';

/** No keys in the configuration: only created keys count. */
const NO_KEYS = { REELVEC_API_KEYS: '' };

describe('created keys', () => {
  const data = temporaryFolder();
  let server: RunningServer;
  let first: string;
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    data[Symbol.dispose]();
  });

  const keys = async (...args: string[]) => {
    const { code, stdout, stderr } = await reelvec(['keys', ...args, '--data-dir', data.path]);
    assert.equal(code, 0, stderr);
    return { stdout: stdout.toString(), stderr };
  };
  const statusWith = async (key: string) =>
    (await call(server, 'GET', '/embed-v2/tasks', { headers: { 'x-api-key': key } })).status;
  const keyIn = (text: string) => /\brvk_[\w-]{43}\b/.exec(text)?.[0];
  /** Everything on disk, the journals of the databases too. */
  const isStored = (text: string) => filesIn(data.path).some((path) => readFileSync(path).includes(text));

  test('the first start without keys creates one, prints it and stores only its hash', async () => {
    server = await startServer({ dataDir: data.path, env: NO_KEYS });
    first = keyIn(server.output()) ?? assert.fail('a key is printed');
    assert.equal(await statusWith(first), 200);
    assert.ok(isStored(first.slice(0, 8)), 'its beginning is stored, to tell it from others');
    assert.ok(!isStored(first) && !isStored(first.slice(8)));
  });

  test('a key created beside a running server works at once, is listed, and gets 401 once revoked', async () => {
    const made = await keys('create', '--name', 'laptop');
    const key = keyIn(made.stdout) ?? assert.fail(made.stdout);
    assert.equal(made.stdout, `${key}\n`, 'the key alone');
    const id = /^Key ([0-9a-f]{24}) \(laptop\)/.exec(made.stderr)?.[1] ?? assert.fail(made.stderr);
    assert.equal(await statusWith(key), 200);
    assert.ok(!isStored(key));

    const before = (await keys('list')).stdout.trimEnd().split('\n');
    assert.equal(before.length, 2);
    assert.match(before[1]!, new RegExp(`^${id}  ${key.slice(0, 8)}….*active  laptop$`));
    assert.equal((await keys('revoke', id)).stdout, `Key ${id} is revoked.\n`);
    assert.equal(await statusWith(key), 401);
    assert.equal(await statusWith(first), 200, 'the other key is not touched');
    assert.match((await keys('list')).stdout.trimEnd().split('\n')[1]!, /revoked .*laptop$/);
    const again = await reelvec(['keys', 'revoke', id, '--data-dir', data.path]);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /no active key/);
  });

  test('the second start prints no key, and the first one still works', async () => {
    assert.equal(await server.stop(), 0);
    server = await startServer({ dataDir: data.path, env: NO_KEYS });
    assert.equal(keyIn(server.output()), undefined);
    assert.equal(await statusWith(first), 200);
  });
});
