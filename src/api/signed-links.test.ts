import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReelvecError } from '../errors.ts';
import { linkQuery, SignedLinks } from './signed-links.ts';

const PATH = '/v1.3/assets/1/thumbnail';
const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const links = new SignedLinks(Buffer.from('a secret'));

/** A link, divided as the router divides it. */
function parts(link: string) {
  const { pathname, searchParams } = new URL(link, 'http://localhost');
  return { path: pathname, query: linkQuery.parse(Object.fromEntries(searchParams)) };
}

const forbidden = (message: RegExp) => (error: unknown) =>
  isReelvecError(error) && error.code === 'forbidden' && message.test(error.message);

test('a link is valid until its expiry, and forbidden from then on', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: NOW_MS });
  const { path, query } = parts(links.sign('GET', PATH, new Date(NOW_MS + 60_000)));
  assert.deepEqual([path, query.expires], [PATH, NOW_MS / 1000 + 60]);
  t.mock.timers.setTime(NOW_MS + 60_000);
  links.check('GET', path, query);
  t.mock.timers.setTime(NOW_MS + 60_001);
  assert.throws(() => links.check('GET', path, query), forbidden(/expired/));
});

test('a link never lives longer than asked: fractions of a second are dropped', () => {
  const { query } = parts(links.sign('GET', PATH, new Date(NOW_MS + 999)));
  assert.equal(query.expires * 1000, NOW_MS);
});

test('a signature is for one method, path, expiry and secret', () => {
  const { query } = parts(links.sign('GET', PATH, new Date(Date.now() + 60_000)));
  links.check('GET', PATH, query);
  const invalid = forbidden(/signature/);
  assert.throws(() => links.check('PUT', PATH, query), invalid);
  assert.throws(() => links.check('GET', '/v1.3/assets/2/thumbnail', query), invalid);
  assert.throws(() => links.check('GET', PATH, { ...query, expires: query.expires + 1 }), invalid);
  assert.throws(() => new SignedLinks(Buffer.from('other')).check('GET', PATH, query), invalid);
  for (const signature of ['', query.signature.slice(1), `${query.signature}A`, 'A'.repeat(query.signature.length)]) {
    assert.throws(() => links.check('GET', PATH, { ...query, signature }), invalid, signature);
  }
});
