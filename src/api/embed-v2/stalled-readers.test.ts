import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LargeResult } from '../../../test/support/large-result-server.ts';
import { NODE_FLAGS, until } from '../../../test/support/server.ts';

/** Idle timeout of this server's connections. `src/app.ts` sets two minutes. */
const IDLE_TIMEOUT_MS = 1000;
const READERS = 5;

let server: ChildProcess;
let result: LargeResult;
before(async () => {
  server = fork(new URL('../../../test/support/large-result-server.ts', import.meta.url), [`${IDLE_TIMEOUT_MS}`], {
    execArgv: [...NODE_FLAGS],
  });
  [result] = await once(server, 'message');
});
after(async () => {
  server.disconnect();
  await once(server, 'exit');
});

async function open(): Promise<IncomingMessage> {
  const [response] = await once(get(result.url, { headers: result.headers, agent: false }), 'response');
  return response;
}

/** Descriptors of results that the server holds open. */
function openResults(): number {
  const folder = `/proc/${server.pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`).endsWith('.arrow');
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

const skip = process.platform === 'linux' ? false : 'descriptors are counted in /proc';

test('clients that stop reading lose their connections, and their results are closed', { skip }, async () => {
  const responses = await Promise.all(Array.from({ length: READERS }, open));
  await until(() => openResults() >= READERS, 10_000, 'the results are open');
  await until(() => openResults() === 0, 30_000, 'the results are closed');
  for (const response of responses) {
    await assert.rejects(async () => {
      for await (const _ of response);
    }, /aborted/);
  }
});

test('a client that reads in small steps keeps its connection', async () => {
  const response = await open();
  const started = performance.now();
  let bytes = 0;
  for await (const piece of response) {
    bytes += piece.length;
    if (performance.now() - started > 5 * IDLE_TIMEOUT_MS) break;
    await sleep(5);
  }
  assert.ok(performance.now() - started > 5 * IDLE_TIMEOUT_MS, `the answer ended after ${bytes} bytes`);
});
