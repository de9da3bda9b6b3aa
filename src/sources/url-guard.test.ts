import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { localHost } from '../../test/support/local-host.ts';
import { ReelvecError } from '../errors.ts';
import { parseAllowList } from '../http/addresses.ts';
import { UrlGuard } from './url-guard.ts';

const maxBytes = 1_000_000;

function fails(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ReelvecError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

/** Waits until the client of a request has closed its connection. */
async function hungUp({ socket }: IncomingMessage): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close', { signal: AbortSignal.timeout(5000) });
}

test('a check returns the first 64 KB and the declared size and type, and closes the connection', async () => {
  const bytes = Buffer.alloc(400_000, 'reelvec');
  await using host = await localHost((_, response) => {
    response.writeHead(200, { 'content-length': bytes.length, 'content-type': 'video/mp4' });
    response.end(bytes);
  });
  const found = await host.guard.check(host.url('/film.mp4?signature=x'), { maxBytes });
  assert.deepEqual(found, { head: bytes.subarray(0, 65_536), size: 400_000, contentType: 'video/mp4' });
  assert.equal(host.requests[0]?.url, '/film.mp4?signature=x');
  assert.equal(host.requests[0]?.headers['accept-encoding'], 'identity');
});

test('a check refuses a Content-Length over the limit without waiting for the bytes', async () => {
  await using host = await localHost((_, response) => {
    response.writeHead(200, { 'content-length': 1_000_001 }).flushHeaders();
  });
  await assert.rejects(
    host.guard.check(host.url('/'), { maxBytes }),
    fails('video_filesize_too_large', new RegExp(`127.0.0.1:${host.port} is larger than the 1000000 bytes`)),
  );
  await hungUp(host.requests[0]!);
});

test('errors have the status, and never the path or query of the URL', async () => {
  await using host = await localHost((request, response) => {
    response.writeHead(Number(request.url?.slice(1, 4))).end('no');
  });
  for (const status of [204, 304, 401, 403, 404, 410, 500]) {
    await assert.rejects(host.guard.check(host.url(`/${status}?token=secret`), { maxBytes }), (error: Error) => {
      assert.ok(!error.message.includes('secret'));
      return fails(
        'source_unreachable',
        new RegExp(`127.0.0.1:\\d+ could not be read: it answers HTTP ${status} `),
      )(error);
    });
  }
});

test('a check is retried after a 500', async () => {
  let asked = 0;
  await using host = await localHost((_, response) => {
    response.writeHead(asked++ === 0 ? 500 : 200).end('fine');
  });
  assert.equal(Buffer.from((await host.guard.check(host.url('/'), { maxBytes })).head).toString(), 'fine');
});

test('a compressed answer is refused', async () => {
  await using host = await localHost((_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
  });
  await assert.rejects(
    host.guard.check(host.url('/'), { maxBytes }),
    fails('source_unreachable', /compressed \(gzip\)/),
  );
});

test('a coding that does not compress is ignored', async () => {
  await using host = await localHost((request, response) => {
    response.writeHead(200, { 'content-encoding': decodeURIComponent(request.url!.slice(1)) }).end('bytes');
  });
  for (const coding of ['identity', 'aws-chunked', 'utf-8', 'binary', 'none', 'aws-chunked, identity']) {
    const { head } = await host.guard.check(host.url(`/${encodeURIComponent(coding)}`), { maxBytes });
    assert.equal(Buffer.from(head).toString(), 'bytes', coding);
  }
  for (const coding of ['br', 'zstd', 'x-gzip', 'aws-chunked, GZIP']) {
    await assert.rejects(
      host.guard.check(host.url(`/${encodeURIComponent(coding)}`), { maxBytes }),
      fails('source_unreachable', /sends the file compressed/),
      coding,
    );
  }
});

test('the error of a storage service is quoted: its code and message, and nothing else', async () => {
  const error = (content: string) => `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${content}</Error>`;
  const bodies: [string, string | undefined][] = [
    [
      error('<Code>AccessDenied</Code><Message>Request has expired</Message><Expires>2026-01-01</Expires>'),
      'AccessDenied: Request has expired',
    ],
    [error('<Code>SignatureDoesNotMatch</Code><StringToSign>secret</StringToSign>'), 'SignatureDoesNotMatch'],
    [error('<Code>Odd</Code><Message>a &amp; b&#10;\n\u0007\tc &lt;d&gt;.</Message>'), 'Odd: a & b&#10; c <d>'],
    [error(`<Code>Long</Code><Message>${'x'.repeat(9000)}</Message>`), 'Long'],
    [error(`<Code>Long</Code><Message>${'x'.repeat(900)}</Message>`), `Long: ${'x'.repeat(200)}…`],
    [error('<Code>no code</Code>'), undefined],
    ['<html><Code>AccessDenied</Code></html>', undefined],
    ['{"Code":"AccessDenied"}', undefined],
  ];
  await using host = await localHost((request, response) => {
    response.writeHead(403, { 'content-type': 'application/xml' }).end(bodies[Number(request.url!.slice(1))]![0]);
  });
  for (const [index, [, reason]] of bodies.entries()) {
    await assert.rejects(host.guard.check(host.url(`/${index}`), { maxBytes }), (error: Error) => {
      const said = reason === undefined ? '' : ` (${reason})`;
      assert.ok(
        error.message.endsWith(`it answers HTTP 403 Forbidden${said}; the link must be public or signed.`),
        error.message,
      );
      return true;
    });
  }
});

test('an error with an endless body is reported without it', async () => {
  await using host = await localHost((_, response) => void response.writeHead(403).write('<?xml version="1.0"?>'));
  await assert.rejects(
    host.guard.check(host.url('/'), { maxBytes }),
    fails('source_unreachable', /HTTP 403 Forbidden; the link must be public or signed\.$/),
  );
});

test('a check has one time limit for all redirects and attempts', async () => {
  const slow: [string, (request: IncomingMessage, response: ServerResponse) => void][] = [
    ['no answer', () => {}],
    ['an answer without a byte', (_, response) => response.writeHead(200).flushHeaders()],
    ['slow redirects', (_, response) => void setTimeout(() => response.writeHead(302, { location: '/' }).end(), 80)],
    ['attempts', (_, response) => void setTimeout(() => response.destroy(), 150)],
  ];
  for (const [name, answer] of slow) {
    await using host = await localHost(answer, { timeouts: { firstByteMs: 200 }, retryDelayMs: 100 });
    const started = performance.now();
    const failing = host.guard.check(host.url('/'), { maxBytes, field: 'video.media_source.url' });
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof ReelvecError);
      assert.equal(error.code, 'source_unreachable');
      assert.deepEqual(error.details, { field: 'video.media_source.url', host: `127.0.0.1:${host.port}` });
      if (name !== 'attempts') assert.match(error.message, /it sent nothing within 0\.2 s\.$/);
      return true;
    });
    assert.ok(performance.now() - started >= 190, name);
    assert.ok(host.requests.length <= 4, `${name}: ${host.requests.length} requests`);
  }
});

test('slow bytes after the first one are awaited', async () => {
  await using host = await localHost(
    (_, response) => {
      response.write('first');
      setTimeout(() => response.end(' and last'), 3500);
    },
    { timeouts: { firstByteMs: 3000 } },
  );
  const { head } = await host.guard.check(host.url('/'), { maxBytes });
  assert.equal(Buffer.from(head).toString(), 'first and last');
});

test('five redirects are followed, relative ones too; the sixth is not', async () => {
  await using host = await localHost((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end('arrived');
    else response.writeHead([301, 302, 303, 307, 308][left % 5] ?? 302, { location: `./${left - 1}` }).end('see there');
  });
  assert.equal(Buffer.from((await host.guard.check(host.url('/5'), { maxBytes })).head).toString(), 'arrived');
  await assert.rejects(
    host.guard.check(host.url('/6'), { maxBytes }),
    fails('source_unreachable', /more than 5 times/),
  );
});

test('a redirect is checked like the first URL', async () => {
  await using host = await localHost((request, response) => {
    response.writeHead(302, { location: decodeURIComponent(request.url?.slice(1) ?? '') }).end();
  });
  const refused: [string, RegExp][] = [
    ['http://169.254.169.254/latest/meta-data/', /169\.254\.169\.254 is not a public address.*REELVEC_URL_ALLOW/],
    ['http://2130706433:1/', /127\.0\.0\.1 is not a public address/],
    ['http://[::ffff:10.0.0.1]/', /::ffff:a00:1 is not a public address/],
    ['file:///etc/passwd', /has the scheme file:/],
    ['ftp://127.0.0.1/a', /has the scheme ftp:/],
    ['http://user:secret@127.0.0.1/', /contains a user name or password/],
    ['http://', /not a URL/],
  ];
  for (const [location, message] of refused) {
    await assert.rejects(
      host.guard.check(host.url(`/${encodeURIComponent(location)}`), { maxBytes }),
      fails('source_unreachable', message),
      location,
    );
  }
  assert.equal(host.requests.length, refused.length);
});

test('private addresses are refused however they are spelt, and nothing is sent to them', async () => {
  await using host = await localHost((_, response) => response.end('inside'), { allow: [] });
  const hosts = [
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '017700000001',
    '127.1',
    '0177.0.0.01',
    'localhost',
  ];
  const others = ['[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '0', '0.0.0.0', '[::]'];
  for (const name of [...hosts, ...others]) {
    const url = new URL(`http://${name}:${host.port}/`);
    await assert.rejects(
      host.guard.check(url, { maxBytes }),
      fails('source_unreachable', /is not a public address/),
      name,
    );
  }
  assert.equal(host.requests.length, 0);
});

test('a name that resolves to a public address first and to a private one later never reaches the private one', async () => {
  let asked = 0;
  // The allow list makes 192.0.2.1 stand for a public address, so no packet of this test leaves the machine.
  const answers = ['192.0.2.1', '127.0.0.1'];
  await using host = await localHost((_, response) => response.end('inside'), {
    allow: parseAllowList(['192.0.2.1']),
    timeouts: { connectMs: 100 },
    resolve: async () => [{ address: answers[Math.min(asked++, 1)] ?? '', family: 4 }],
  });
  const url = new URL(`http://rebinding.test:${host.port}/`);
  await assert.rejects(host.guard.check(url, { maxBytes }), fails('source_unreachable', /rebinding\.test/));
  assert.equal(host.requests.length, 0);
  await assert.rejects(
    host.guard.check(url, { maxBytes }),
    fails('source_unreachable', /rebinding\.test:\d+ could not be read: 127\.0\.0\.1 is not a public address/),
  );
});

test('of a name with public and private addresses only the public ones are tried', async () => {
  await using host = await localHost((_, response) => response.end('reached'), {
    resolve: async () => [
      { address: '10.0.0.1', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ],
  });
  const found = await host.guard.check(new URL(`http://mixed.test:${host.port}/`), { maxBytes });
  assert.equal(Buffer.from(found.head).toString(), 'reached');
});

test('an allowed host name may resolve to a private address, other names to the same one may not', async () => {
  await using host = await localHost((_, response) => response.end('reached'), {
    allow: parseAllowList(['nas.internal']),
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
  });
  await host.guard.check(new URL(`http://nas.internal:${host.port}/`), { maxBytes });
  const other = new URL(`http://other.internal:${host.port}/`);
  await assert.rejects(host.guard.check(other, { maxBytes }), fails('source_unreachable', /not a public address/));
});

test('refused connections, unknown names and silent hosts have different errors', async () => {
  await using host = await localHost(() => {}, { timeouts: { headersMs: 50 } });
  await assert.rejects(
    host.guard.check(host.url('/'), { maxBytes }),
    fails('source_unreachable', /too long to answer/),
  );

  const guard = new UrlGuard({ allow: parseAllowList(['127.0.0.1']), retryDelayMs: 1 });
  await assert.rejects(
    guard.check(new URL('http://127.0.0.1:1/'), { maxBytes }),
    fails('source_unreachable', /refused/),
  );
  await guard.close();

  const lost = Object.assign(new Error('getaddrinfo ENOTFOUND gone.test'), { code: 'ENOTFOUND' });
  const unknown = new UrlGuard({ allow: [], resolve: () => Promise.reject(lost) });
  await assert.rejects(
    unknown.check(new URL('http://gone.test/'), { maxBytes }),
    fails('source_unreachable', /gone\.test could not be read: the host name does not resolve/),
  );
  await unknown.close();
});

test('a response that is not HTTP is reported as such', async () => {
  await using host = await localHost(({ socket }) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  await assert.rejects(
    host.guard.check(host.url('/'), { maxBytes }),
    fails('source_unreachable', /does not answer in proper HTTP/),
  );
});

test('an abort ends a check at once with its own reason', async () => {
  await using host = await localHost(() => {});
  const signal = AbortSignal.timeout(30);
  await assert.rejects(host.guard.check(host.url('/'), { maxBytes, signal }), { name: 'TimeoutError' });
});
