import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { redactor } from './redact.ts';

const SECRET = 'S3cret-value_0123456789';
const headers = (name: string) => ({ accept: '*/*', [name]: SECRET, 'user-agent': 'curl' });

/** Log lines in pino's format, each with the secret. */
const LINES: readonly string[] = [
  ...['x-api-key', 'X-API-Key', 'authorization', 'Proxy-Authorization', 'cookie', 'set-cookie'].flatMap((name) => [
    JSON.stringify({ headers: headers(name) }),
    JSON.stringify({ rawHeaders: Object.entries(headers(name)).flat() }),
    JSON.stringify({ headers: { [name]: [SECRET] } }),
    JSON.stringify({ cause: inspect({ headers: headers(name) }) }),
    JSON.stringify({ msg: `${name}: ${SECRET}` }),
  ]),
  JSON.stringify({ authorization: `Bearer ${SECRET}` }),
  JSON.stringify({ authorization: `AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=${SECRET}` }),
  JSON.stringify({ cookie: `theme=dark; session=${SECRET}` }),
  JSON.stringify({ url: `https://user:${SECRET}@host.test/film.mp4` }),
  JSON.stringify({ url: `https://${SECRET}@host.test/film.mp4` }),
  JSON.stringify({ url: `postgres://reelvec:${SECRET}@db.test:5432/reelvec` }),
  JSON.stringify({ url: `https://b.s3.test/k?X-Amz-Credential=x&X-Amz-Signature=${SECRET}&X-Amz-Expires=60` }),
  JSON.stringify({ url: `https://a.blob.test/c/f.mp4?sv=2024&sig=${SECRET}` }),
  JSON.stringify({ message: `The source at https://h.test/f?download=${SECRET} answered 403.` }),
  JSON.stringify({ url: `/v1.3/assets/1/thumbnail?expires=1&signature=${SECRET}` }),
  JSON.stringify({ url: `/metrics?api_key=${SECRET}` }),
  JSON.stringify({ key: `rvk_${SECRET}` }),
];

test('credentials are redacted, and the text around them is kept', () => {
  const redact = redactor([]);
  for (const line of LINES) {
    const shown = redact(line);
    assert.ok(!shown.includes(SECRET), shown);
    JSON.parse(shown);
  }
  const shown = JSON.parse(
    redact(JSON.stringify({ headers: headers('x-api-key'), url: `https://u:p@h.test/f?a=${SECRET}` })),
  );
  assert.deepEqual(shown.headers, { accept: '*/*', 'x-api-key': '[redacted]', 'user-agent': 'curl' });
  assert.equal(shown.url, 'https://[redacted]@h.test/f?[redacted]');
});

test('values of settings are redacted in text, JSON and URLs', () => {
  const secret = 'pass"word\\ of/the database';
  const redact = redactor([secret, 'short']);
  for (const text of [secret, `x${secret}x`, encodeURIComponent(secret)]) {
    assert.doesNotMatch(redact(JSON.stringify({ msg: text })), /pass|word/);
  }
  assert.equal(redact('{"msg":"short"}'), '{"msg":"short"}');
});

test('a line without credentials is unchanged', () => {
  for (const line of [
    '{"level":30,"time":"2026-01-31T10:00:00.000Z","msg":"request","route":"/v1.3/assets/:asset_id","status":200}',
    '{"msg":"Server listening at http://127.0.0.1:1212"}',
    '{"reason":"Send one in the x-api-key header; `reelvec keys create` makes one."}',
    '{"stack":"Error: x\\n    at file:///app/src/a.ts:1:2"}',
  ])
    assert.equal(redactor([])(line), line);
});
