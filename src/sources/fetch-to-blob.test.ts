import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { breakOff, localHost } from '../../test/support/local-host.ts';
import { FolderBlobStore } from '../blobs/folder/store.ts';

const maxBytes = 10_000_000;
const content = Buffer.from(Array.from({ length: 1_500_000 }, (_, i) => (i * 7919) >> 3));

let root: string;
let store: FolderBlobStore;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelvec-download-'));
  store = new FolderBlobStore(root);
});
after(() => rm(root, { recursive: true, force: true }));

const stored = async (key: string) => buffer(store.read(key));

/** Handles range requests with If-Range, as a conforming host does. */
function sendFrom(
  request: IncomingMessage,
  response: ServerResponse,
  { etag = '"v1"', stopAfter = Infinity } = {},
): void {
  const start = request.headers['if-range'] === etag ? Number(/\d+/.exec(request.headers.range ?? '')) : 0;
  const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    'content-length': content.length - start,
    ...(start > 0 && range),
  });
  if (stopAfter < content.length - start) breakOff(response, content.subarray(start, start + stopAfter));
  else response.end(content.subarray(start));
}

test('a download is stored completely and reports progress', async () => {
  await using host = await localHost((_, response) => response.end(content));
  const progress: number[] = [];
  const { size } = await host.guard.fetchToBlob(store, 'whole', host.url('/'), {
    maxBytes,
    onProgress: (bytes) => progress.push(bytes),
  });
  assert.equal(size, content.length);
  assert.deepEqual(await stored('whole'), content);
  assert.equal(progress.at(-1), content.length);
});

test('a transfer that breaks off repeatedly resumes each time', async () => {
  await using host = await localHost((request, response) => sendFrom(request, response, { stopAfter: 500_000 }));
  await host.guard.fetchToBlob(store, 'resumed', host.url('/'), { maxBytes });
  assert.deepEqual(await stored('resumed'), content);
  const starts = host.requests.map(({ headers }) => Number(/^bytes=(\d+)-$/.exec(headers.range ?? 'bytes=0-')?.[1]));
  assert.equal(starts[0], 0);
  assert.ok(starts.length >= 3 && starts.every((start, i) => i === 0 || start > (starts[i - 1] ?? 0)), `${starts}`);
});

test('a transfer that stalls is resumed', async () => {
  let asked = 0;
  await using host = await localHost(
    (request, response) => {
      if (asked++ > 0) return sendFrom(request, response);
      response.writeHead(200, { etag: '"v1"', 'content-length': content.length });
      response.write(content.subarray(0, 100_000));
    },
    { timeouts: { idleMs: 100 } },
  );
  await host.guard.fetchToBlob(store, 'stalled', host.url('/'), { maxBytes });
  assert.deepEqual(await stored('stalled'), content);
  assert.equal(host.requests[1]?.headers.range, 'bytes=100000-');
});

test('without an ETag the modification time is the validator', async () => {
  const modified = new Date(Date.now() - 86_400_000).toUTCString();
  await using host = await localHost((request, response) => {
    const start = request.headers['if-range'] === modified ? Number(/\d+/.exec(request.headers.range ?? '')) : 0;
    const rest = content.length - start;
    response.writeHead(start > 0 ? 206 : 200, {
      'last-modified': modified,
      'content-length': rest,
      ...(start > 0 && { 'content-range': `bytes ${start}-${content.length - 1}/*` }),
    });
    if (start === 0) breakOff(response, content.subarray(0, 200_000));
    else response.end(content.subarray(start));
  });
  await host.guard.fetchToBlob(store, 'modified', host.url('/'), { maxBytes });
  assert.deepEqual(await stored('modified'), content);
});

test('without ranges the transfer starts over', async () => {
  let asked = 0;
  await using host = await localHost((_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    if (asked++ === 0) breakOff(response, content.subarray(0, 300_000));
    else response.end(content);
  });
  await host.guard.fetchToBlob(store, 'anew', host.url('/'), { maxBytes });
  assert.deepEqual(await stored('anew'), content);
  assert.equal(host.requests[1]?.headers.range, undefined);
});

for (const honest of [true, false]) {
  test(`two versions are never mixed, though the host ${honest ? 'honours' : 'ignores'} If-Range`, async () => {
    const second = Buffer.alloc(1_500_000, 'second version');
    let asked = 0;
    await using host = await localHost((request, response) => {
      const etag = asked++ === 0 ? '"v1"' : '"v2"';
      const version = etag === '"v1"' ? content : second;
      const start = honest ? 0 : Number(/\d+/.exec(request.headers.range ?? ''));
      response.writeHead(start > 0 ? 206 : 200, {
        etag,
        'content-length': version.length - start,
        ...(start > 0 && { 'content-range': `bytes ${start}-${version.length - 1}/${version.length}` }),
      });
      if (etag === '"v1"') breakOff(response, version.subarray(0, 400_000));
      else response.end(version.subarray(start));
    });
    await host.guard.fetchToBlob(store, 'version', host.url('/'), { maxBytes });
    assert.deepEqual(await stored('version'), second);
  });
}

test('a range with another offset than requested is refused', async () => {
  let asked = 0;
  await using host = await localHost((_, response) => {
    const answer = asked++;
    if (answer === 1) {
      const range = `bytes 0-${content.length - 1}/${content.length}`;
      response.writeHead(206, { etag: '"v1"', 'content-range': range, 'content-length': content.length }).end(content);
      return;
    }
    response.writeHead(200, { etag: '"v1"', 'content-length': content.length });
    if (answer === 0) breakOff(response, content.subarray(0, 400_000));
    else response.end(content);
  });
  await host.guard.fetchToBlob(store, 'elsewhere', host.url('/'), { maxBytes });
  assert.deepEqual(await stored('elsewhere'), content);
  assert.equal(host.requests.length, 3);
});

test('a Content-Length over the limit is refused at once; one that is too small does not open the limit', async () => {
  await using over = await localHost((_, response) => {
    response.writeHead(200, { 'content-length': maxBytes + 1 }).flushHeaders();
  });
  const tooLarge = { code: 'video_filesize_too_large' };
  await assert.rejects(over.guard.fetchToBlob(store, 'over', over.url('/'), { maxBytes }), tooLarge);

  await using under = await localHost(({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789 and much more');
  });
  const { size } = await under.guard.fetchToBlob(store, 'under', under.url('/'), { maxBytes });
  assert.equal(size, 10);
});

test('a body shorter than its Content-Length fails and keeps nothing', async () => {
  await using host = await localHost((_, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    breakOff(response, content.subarray(0, 500));
  });
  await assert.rejects(host.guard.fetchToBlob(store, 'short', host.url('/'), { maxBytes }), {
    code: 'source_unreachable',
    message: `The source at 127.0.0.1:${host.port} could not be read: the host broke the connection off.`,
  });
  assert.equal(await store.stat('short'), undefined);
});

test('an endless body is cut off at the limit and nothing of it is kept', async () => {
  await using host = await localHost((_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(content));
    };
    response.on('drain', more);
    more();
  });
  await assert.rejects(host.guard.fetchToBlob(store, 'endless', host.url('/'), { maxBytes }), {
    code: 'video_filesize_too_large',
    message: `The source at 127.0.0.1:${host.port} is larger than the ${maxBytes} bytes that are allowed.`,
  });
  assert.equal(await store.stat('endless'), undefined);
  assert.deepEqual(await readdir(join(root, '.tmp')), []);
});

test('a host that is down is retried, up to the maximum of failures', async () => {
  let asked = 0;
  await using host = await localHost((_, response) => {
    response.writeHead(asked++ < 3 ? 503 : 200).end('up again');
  });
  await host.guard.fetchToBlob(store, 'up', host.url('/'), { maxBytes });
  asked = -100;
  await assert.rejects(host.guard.fetchToBlob(store, 'down', host.url('/'), { maxBytes }), {
    code: 'source_unreachable',
    message: /it answers HTTP 503 Service Unavailable\.$/,
  });
  assert.equal(host.requests.length, 4 + 5);
});

test('the error of a link that worked once differs from that of one that never worked', async () => {
  let asked = 0;
  await using host = await localHost((_, response) => {
    if (asked++ === 0) response.end('the only time');
    else response.writeHead(403).end();
  });
  await host.guard.check(host.url('/'), { maxBytes });
  const field = 'video.media_source.url';
  const fetching = host.guard.fetchToBlob(store, 'once', host.url('/'), { maxBytes, field, wasRead: true });
  await assert.rejects(fetching, {
    code: 'source_unreachable',
    message:
      /HTTP 403 Forbidden.* the link may work only once, or have expired since\. .*upload the file as an asset\.$/,
    details: { field, host: `127.0.0.1:${host.port}` },
  });
});

test('404 is final', async () => {
  await using host = await localHost((_, response) => response.writeHead(404).end());
  await assert.rejects(host.guard.fetchToBlob(store, 'missing', host.url('/'), { maxBytes }), /HTTP 404 Not Found/);
  assert.equal(host.requests.length, 1);
});

test('an abort in the middle ends the download with its reason and keeps nothing', async () => {
  await using host = await localHost((_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 1000));
  });
  const abort = new AbortController();
  const fetching = host.guard.fetchToBlob(store, 'aborted', host.url('/'), {
    maxBytes,
    signal: abort.signal,
    onProgress: () => abort.abort(new Error('the task was deleted')),
  });
  await assert.rejects(fetching, /the task was deleted/);
  assert.equal(await store.stat('aborted'), undefined);
  assert.deepEqual(await readdir(join(root, '.tmp')), []);
});
