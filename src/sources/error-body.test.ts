import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storageReason } from './error-body.ts';

async function* body(...pieces: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

const error = (code: string, message: string) =>
  `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>${message}</Message><Url>https://secret</Url></Error>`;

test('the reason is the code and the message, with entities decoded and spaces joined', async () => {
  assert.equal(
    await storageReason(body(error('AccessDenied', 'Request has expired.'))),
    'AccessDenied: Request has expired',
  );
  assert.equal(
    await storageReason(body(error('NoSuchKey', 'a &lt;b&gt;\n\t&amp; &quot;c&apos;'))),
    `NoSuchKey: a <b> & "c'`,
  );
  assert.equal(await storageReason(body('<Error><Code>Gone</Code></Error>')), 'Gone');
  assert.equal(await storageReason(body(' <Error><Co', 'de>InPieces</Code></Error>')), 'InPieces');
});

test('a long message is cut, and one at the limit is not', async () => {
  assert.equal(await storageReason(body(error('Long', 'x'.repeat(201)))), `Long: ${'x'.repeat(200)}…`);
  assert.equal(await storageReason(body(error('Long', 'x'.repeat(200)))), `Long: ${'x'.repeat(200)}`);
});

test('any other body has no reason', async () => {
  for (const other of ['', 'Not found', '<html><Code>X</Code></html>', '<Error></Error>', error('two words', 'x')]) {
    assert.equal(await storageReason(body(other)), undefined, other);
  }
  assert.equal(await storageReason(body(error('x'.repeat(65), 'too long for a code'))), undefined);
});

test('only the first 4 KB of a body are read', async () => {
  let pieces = 0;
  let isClosed = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield Buffer.from(pieces++ === 0 ? '<Error><Code>First</Code>'.padEnd(2048) : ' '.repeat(1024));
      }
    } finally {
      isClosed = true;
    }
  }
  assert.equal(await storageReason(endless()), 'First');
  assert.equal(pieces, 3);
  assert.ok(isClosed);
  assert.equal(await storageReason(body(`<Error>${' '.repeat(4096)}<Code>Late</Code>`)), undefined);
});

test('a truncated body is parsed as far as it goes', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('<Error><Code>Broken</Code>');
    throw new Error('reset');
  }
  assert.equal(await storageReason(broken()), 'Broken');
});

test('a body that stalls is read for a second', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  async function* stalled(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('<Error><Code>Stalled</Code>');
    await new Promise(() => {});
  }
  const reason = storageReason(stalled());
  const state = () => Promise.race([reason, new Promise((resolve) => setImmediate(resolve, 'waits'))]);
  assert.equal(await state(), 'waits');
  t.mock.timers.tick(999);
  assert.equal(await state(), 'waits');
  t.mock.timers.tick(1);
  assert.equal(await reason, 'Stalled');
});
