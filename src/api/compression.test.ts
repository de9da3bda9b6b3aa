import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import compress from '@fastify/compress';
import Fastify from 'fastify';
import { COMPRESSION, COMPRESSION_OF_NUMBERS } from './compression.ts';

const WORDS = JSON.stringify(Array.from({ length: 3000 }, (_, i) => `some words, number ${i}`));
const NUMBERS = JSON.stringify(Array.from({ length: 30_000 }, (_, i) => Math.fround(Math.sin(i * i))));

async function open() {
  const app = Fastify();
  await app.register(compress, COMPRESSION);
  app.get('/words', async (_request, reply) => reply.type('application/json').send(WORDS));
  app.get('/numbers', { compress: COMPRESSION_OF_NUMBERS }, async (_request, reply) =>
    reply.type('application/json').send(NUMBERS),
  );
  const get = async (url: string, accepted: string) => {
    const { headers, rawPayload } = await app.inject({ url, headers: { 'accept-encoding': accepted } });
    return { encoding: headers['content-encoding'], vary: headers['vary'], bytes: rawPayload };
  };
  return { get, [Symbol.asyncDispose]: () => app.close() };
}

test('the best encoding that the client accepts is used, and each gives the same text', async () => {
  await using t = await open();
  for (const [url, text] of [
    ['/words', WORDS],
    ['/numbers', NUMBERS],
  ] as const) {
    for (const [accepted, encoding, unpack] of [
      ['gzip, deflate, br, zstd', 'zstd', zstdDecompressSync],
      ['deflate, gzip', 'gzip', gunzipSync],
      ['deflate', 'deflate', inflateSync],
    ] as const) {
      const got = await t.get(url, accepted);
      assert.deepEqual([got.encoding, unpack(got.bytes).toString() === text], [encoding, true], `${url} ${accepted}`);
      assert.match(String(got.vary), /accept-encoding/i);
      assert.ok(got.bytes.length < text.length / 1.8, `${url} in ${encoding}: ${got.bytes.length} of ${text.length}`);
    }
    const plain = await t.get(url, 'identity');
    assert.deepEqual([plain.encoding, plain.bytes.toString() === text], [undefined, true]);
  }
});

test('words are compressed by their repetition too', async () => {
  await using t = await open();
  const words = await t.get('/words', 'gzip');
  assert.ok(words.bytes.length < WORDS.length / 5, `${words.bytes.length} of ${WORDS.length}`);
});
