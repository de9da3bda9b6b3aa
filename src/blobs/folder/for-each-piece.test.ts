import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { forEachPiece } from './for-each-piece.ts';

const pieces = Array.from({ length: 50 }, (_, i) => Buffer.alloc(10_000 + i, i));
const sources = {
  array: () => pieces,
  iterable: async function* () {
    yield* pieces;
  },
  stream: () => Readable.from(pieces, { objectMode: false }),
};

for (const [name, content] of Object.entries(sources)) {
  test(`pieces of an ${name} come in order, each after the one before was consumed`, async () => {
    const got: Uint8Array[] = [];
    let isBusy = false;
    await forEachPiece(content(), (piece) => {
      assert.ok(!isBusy);
      got.push(piece);
      // Every third piece is consumed synchronously.
      if (got.length % 3 === 0) return undefined;
      isBusy = true;
      return turn().then(() => {
        isBusy = false;
      });
    });
    assert.ok(!isBusy);
    assert.ok(Buffer.concat(got).equals(Buffer.concat(pieces)));
  });

  for (const [when, fail] of [
    ['at once', () => assert.fail('the disk is full')],
    ['later', () => turn().then(() => assert.fail('the disk is full'))],
  ] as const) {
    test(`an error of the consumer of an ${name}, thrown ${when}, ends the iteration`, async () => {
      let count = 0;
      await assert.rejects(
        forEachPiece(content(), () => (++count === 3 ? fail() : undefined)),
        /the disk is full/,
      );
      await turn();
      assert.equal(count, 3);
    });
  }
}

test('a stream that was not read to its end can still be read by its owner', async () => {
  const stream = new PassThrough();
  for (const piece of pieces) stream.write(piece);
  await assert.rejects(
    forEachPiece(stream, () => assert.fail('too long')),
    /too long/,
  );
  assert.ok(!stream.destroyed);
  stream.end();
  const rest = Buffer.concat(await stream.toArray());
  assert.ok(rest.equals(Buffer.concat(pieces.slice(1))));
});

test('a broken stream rejects with its error, and one closed early does not count as complete', async () => {
  const breaking = new PassThrough();
  const broken = forEachPiece(breaking, () => undefined);
  breaking.write('half');
  setImmediate(() => breaking.destroy(new Error('the sender hung up')));
  await assert.rejects(broken, /the sender hung up/);

  const closing = new PassThrough();
  const closed = forEachPiece(closing, () => undefined);
  closing.write('half');
  setImmediate(() => closing.destroy());
  await assert.rejects(closed, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
});

test('an abort ends the wait for bytes that never come, and for a consumer that hangs', async () => {
  for (const take of [() => undefined, () => new Promise<void>(() => {})]) {
    const abort = new AbortController();
    const stream = new PassThrough();
    stream.write('half');
    const reading = forEachPiece(stream, take, abort.signal);
    setImmediate(() => abort.abort(new Error('replaced')));
    await assert.rejects(reading, /replaced/);
  }
  await assert.rejects(
    forEachPiece(new PassThrough(), () => undefined, AbortSignal.abort(new Error('gone'))),
    /gone/,
  );
});
