import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { Hub, HubRefusal } from './hub.ts';

const FILE = [{ repo: 'acme/clip', revision: 'main' }, 'model.onnx'] as const;

function hubAt(port: number, options?: ConstructorParameters<typeof Hub>[1]): Hub {
  const settings = { token: undefined, tokenFile: '/nothing', offline: false, timeoutMs: 20_000, proxy: {} };
  return new Hub({ ...settings, endpoint: `http://127.0.0.1:${port}` }, options);
}

test('an unreachable hub fails at once', async () => {
  await using hub = hubAt(9);
  const error = await hub.open(...FILE).catch((error) => error);
  assert.ok(error instanceof HubRefusal);
  assert.match(error.message, /^127\.0\.0\.1:9 cannot be reached \(ECONNREFUSED\): is there a network\?/);
});

test('a slow hub is reported while the request waits', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { promise: told, resolve } = Promise.withResolvers<string>();
  const { port } = silent.address() as AddressInfo;
  await using hub = hubAt(port, { onSlowResponse: resolve });
  const stop = new AbortController();
  const opening = hub.open(...FILE, { signal: stop.signal });
  assert.equal(await told, `127.0.0.1:${port}`);
  stop.abort(new Error('enough'));
  await assert.rejects(opening, /enough/);
  silent.close();
});
