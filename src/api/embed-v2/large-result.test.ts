import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LargeResult } from '../../../test/support/large-result-server.ts';
import { NODE_FLAGS } from '../../../test/support/server.ts';

/** Maximum memory growth in bytes of a server that sends 192 MB of JSON. */
const MAX_GROWTH = 50 * 1024 ** 2;
const ITEMS = 30_003;
const MARK = '"end_sec":';

let server: ChildProcess;
let result: LargeResult;
before(async () => {
  server = fork(new URL('../../../test/support/large-result-server.ts', import.meta.url), {
    execArgv: [...NODE_FLAGS],
  });
  [result] = await once(server, 'message');
});
after(async () => {
  server.disconnect();
  await once(server, 'exit');
});

/** Peak memory of the server since the last call, in bytes. */
async function peakMemory(): Promise<number> {
  server.send('memory');
  return (await once(server, 'message'))[0];
}

async function open(): Promise<IncomingMessage> {
  const [response] = await once(get(result.url, { headers: result.headers }), 'response');
  return response;
}

test('a task of 10,000 segments and three options is answered whole, in memory that does not grow with it', async () => {
  // Warm-up with a part of it, so that code is compiled and buffers are allocated.
  let warm = 0;
  for await (const bytes of await open()) {
    warm += bytes.length;
    if (warm > 30_000_000) break;
  }
  await peakMemory();
  const before = await peakMemory();
  let items = 0;
  let end = Buffer.alloc(0);
  for await (const bytes of await open()) {
    const text = Buffer.concat([end, bytes]);
    for (let at = text.indexOf(MARK); at !== -1; at = text.indexOf(MARK, at + 1)) items++;
    // Keeps one byte less than the mark, so that a split mark is counted once and none twice.
    end = text.subarray(1 - MARK.length);
  }
  assert.equal(items, ITEMS);
  assert.ok(end.toString().endsWith('}]}'));
  const growth = (await peakMemory()) - before;
  assert.ok(growth < MAX_GROWTH, `rose by ${Math.round(growth / 1024 ** 2)} MB`);
});

test('readers that are slow, and readers that hang up, hold no memory either', async () => {
  await peakMemory();
  const before = await peakMemory();
  const readers = Array.from({ length: 20 }, async () => {
    const response = await open();
    await once(response, 'readable');
    await sleep(500);
    response.destroy();
  });
  await Promise.all(readers);
  const growth = (await peakMemory()) - before;
  assert.ok(growth < MAX_GROWTH, `rose by ${Math.round(growth / 1024 ** 2)} MB`);
});
