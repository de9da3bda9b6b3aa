import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CannotResume, type Content, download, startOver } from './download.ts';
import { HttpFailure } from './failure.ts';

const whole = Buffer.from('0123456789');
const policy = { maxFailures: 3, retryDelayMs: 1 };
const brokenOff = Object.assign(new Error('reset'), { code: 'ECONNRESET' });

/** Content of `whole` from a byte on, which breaks off after some bytes. */
function part(at: number, { bytes = Infinity, ...rest }: Partial<Content> & { bytes?: number } = {}): Content {
  async function* body() {
    yield whole.subarray(at, at + bytes);
    if (at + bytes < whole.length) throw brokenOff;
  }
  return { body: body(), end: whole.length, version: 'v1', [Symbol.dispose]: () => {}, ...rest };
}

async function text(content: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(content)).toString();
}

test('a transfer that breaks off resumes at its byte and in its version', async () => {
  const opened: unknown[] = [];
  const open = async (at: number, version?: string) => {
    opened.push([at, version]);
    return part(at, { bytes: 4 });
  };
  assert.equal(await text(download(open, policy)), '0123456789');
  assert.deepEqual(opened, [
    [0, undefined],
    [4, 'v1'],
    [8, 'v1'],
  ]);
});

test('an attempt with progress restarts the count of failures, and one without does not', async () => {
  const bytesOf = [1, 1, 1, 1, 1, 0, 1, 0, 0, 9];
  let attempts = 0;
  const open = async (at: number) => part(at, { bytes: bytesOf[attempts++]! });
  await assert.rejects(text(download(open, policy)), /the host broke the connection off/);
  assert.equal(attempts, 9);
  attempts = 0;
  await assert.rejects(text(download(open, { ...policy, progressBytes: 2 })), HttpFailure);
  assert.equal(attempts, 3);
});

test('content without a version does not resume, but one that sent nothing yet is opened again', async () => {
  let attempts = 0;
  const open = async (at: number) => {
    if (attempts++ === 0) throw new HttpFailure('busy', { isRetryable: true });
    return part(at, { bytes: 4, version: undefined });
  };
  await assert.rejects(text(download(open, policy)), new CannotResume('the host broke the connection off', brokenOff));
  assert.equal(attempts, 2);
});

test('a rest with another end is refused', async () => {
  const open = async (at: number) => part(at, { bytes: 4, end: at === 0 ? 10 : 11 });
  await assert.rejects(text(download(open, policy)), CannotResume);
});

test('a body that ends early resumes; a body of unknown length is complete at its end', async () => {
  const short = async (at: number) => part(at, { body: [whole.subarray(at, at + 6)] });
  assert.equal(await text(download(short, policy)), '0123456789');
  assert.equal(await text(download(async (at) => ({ ...(await short(at)), end: undefined }), policy)), '012345');
});

test('a connection that is lost after the last byte does no harm', async () => {
  let attempts = 0;
  async function* body() {
    yield whole;
    throw brokenOff;
  }
  const open = async (at: number) => {
    attempts++;
    return part(at, { body: body() });
  };
  assert.equal(await text(download(open, { ...policy, maxFailures: 1 })), '0123456789');
  assert.equal(attempts, 1);
});

test('a download may begin at any byte, also at the end, and retries there', async () => {
  let attempts = 0;
  const open = async (at: number) => {
    if (attempts++ === 0) throw new HttpFailure('busy', { isRetryable: true });
    return part(at);
  };
  assert.equal(await text(download(open, { ...policy, from: 7 })), '789');
  assert.equal(await text(download(open, { ...policy, from: 10 })), '');
});

test('errors other than retryable failures end the download at once', async () => {
  const fatal = [new RangeError('too large'), new HttpFailure('gone', { isRetryable: false }), new CannotResume()];
  for (const error of fatal) {
    let attempts = 0;
    const open = async () => {
      attempts++;
      throw error;
    };
    await assert.rejects(text(download(open, policy)), error);
    const onProgress = (at: number) => {
      if (at > 0) throw error;
    };
    await assert.rejects(text(download(async (at) => part(at), { ...policy, onProgress })), error);
    assert.equal(attempts, 1);
  }
});

test('progress is reported before the first byte and after each piece', async () => {
  const seen: unknown[] = [];
  const onProgress = (...progress: unknown[]) => seen.push(progress);
  await text(download(async (at) => part(at, { bytes: 5 }), { ...policy, onProgress }));
  assert.deepEqual(seen, [
    [0, 10],
    [5, 10],
    [5, 10],
    [10, 10],
  ]);
});

test('Retry-After replaces the delay that doubles', async () => {
  const opened: number[] = [];
  const failures = [{ retryAfterMs: 150 }, {}];
  const open = async (at: number) => {
    opened.push(performance.now());
    const failure = failures.shift();
    if (failure) throw new HttpFailure('busy', { isRetryable: true, ...failure });
    return part(at);
  };
  await text(download(open, policy));
  assert.ok(opened[1]! - opened[0]! >= 149, `${opened}`);
  assert.equal(opened.length, 3);
});

test('opened content is disposed, however the download ends', async () => {
  let disposed = 0;
  const open = async (at: number) => part(at, { bytes: 4, [Symbol.dispose]: () => void disposed++ });
  await text(download(open, policy));
  assert.equal(disposed, 3);
  for await (const _ of download(open, policy)) break;
  assert.equal(disposed, 4);
  const onProgress = () => {
    throw new RangeError('too large');
  };
  await assert.rejects(text(download(open, { ...policy, onProgress })), RangeError);
  assert.equal(disposed, 5);
});

test('an abort ends the delay between attempts', async () => {
  const abort = new AbortController();
  const open = async () => {
    setTimeout(() => abort.abort(), 5);
    throw new HttpFailure('busy', { isRetryable: true });
  };
  const downloading = text(download(open, { ...policy, retryDelayMs: 60_000, signal: abort.signal }));
  await assert.rejects(downloading, { name: 'AbortError' });
});

test('a trickle below the minimum rate is a stall, and a slow consumer is not', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const slow = (ms: number) => async () => {
    async function* body() {
      for (const byte of whole) {
        now += ms;
        yield Buffer.of(byte);
      }
    }
    return part(0, { body: body() });
  };
  const once = { ...policy, maxFailures: 1 };
  assert.equal(await text(download(slow(5_000), once)), '0123456789');
  await assert.rejects(text(download(slow(20_000), once)), /the transfer stalled/);
  let read = 0;
  for await (const bytes of download(slow(0), once)) {
    read += bytes.length;
    now += 60_000;
  }
  assert.equal(read, 10);
});

test('a download that cannot resume starts three times in all', async () => {
  let starts = 0;
  const run = async (error: Error) => {
    starts++;
    throw error;
  };
  await assert.rejects(
    startOver(() => run(new CannotResume()), { retryDelayMs: 1 }),
    CannotResume,
  );
  assert.equal(starts, 3);
  await assert.rejects(
    startOver(() => run(new RangeError('other')), { retryDelayMs: 1 }),
    RangeError,
  );
  assert.equal(starts, 4);
});
