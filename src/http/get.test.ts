import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Agent } from 'undici';
import { HttpFailure } from './failure.ts';
import { get } from './get.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<URL> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function agent(t: TestContext): Agent {
  const agent = new Agent();
  t.after(() => agent.destroy());
  return agent;
}

test('credentials go to the origin of the first URL only, also after a redirect back to it', async (t) => {
  const seen: [string, string | undefined][] = [];
  const other = await serve(t, ({ headers }, response) => {
    seen.push(['other', headers.authorization]);
    response.writeHead(302, { location: `${first}last` }).end();
  });
  const first = await serve(t, ({ url, headers }, response) => {
    seen.push([url!, headers.authorization]);
    if (url === '/last') response.end('done');
    else response.writeHead(302, { location: url === '/' ? '/near' : other.href }).end();
  });
  const answer = await get(agent(t), first, { credentials: { authorization: 'Bearer secret' } });
  assert.equal(await answer.body.text(), 'done');
  assert.equal(answer.url.href, `${first}last`);
  assert.deepEqual(seen, [
    ['/', 'Bearer secret'],
    ['/near', 'Bearer secret'],
    ['other', undefined],
    ['/last', 'Bearer secret'],
  ]);
});

test('the body of a redirect is discarded, even if it never ends', async (t) => {
  const url = await serve(t, ({ url }, response) => {
    if (url === '/end') response.end('done');
    else response.writeHead(302, { location: '/end' }).write('endless');
  });
  const statuses: number[] = [];
  const answer = await get(agent(t), url, {
    onAnswer: ({ status }) => statuses.push(status),
    signal: AbortSignal.timeout(5000),
  });
  assert.equal(await answer.body.text(), 'done');
  assert.deepEqual(statuses, [302, 200]);
});

test('a failure names the host that did not answer', async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end());
  await assert.rejects(get(agent(t), url, {}), (error) => {
    assert.ok(error instanceof HttpFailure);
    const { host, code, isRetryable } = error;
    assert.deepEqual({ host, code, isRetryable }, { host: '127.0.0.1:9', code: 'ECONNREFUSED', isRetryable: true });
    return true;
  });
});

test('an error response may be compressed, content may not', async (t) => {
  const url = await serve(t, ({ url }, response) => {
    response.writeHead(Number(url!.slice(1)), { 'content-encoding': 'gzip' }).end('x');
  });
  for (const status of [404, 500]) assert.equal((await get(agent(t), new URL(`/${status}`, url), {})).status, status);
  for (const status of [200, 206]) await assert.rejects(get(agent(t), new URL(`/${status}`, url), {}), /compressed/);
});
