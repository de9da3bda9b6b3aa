import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestApp } from '../../test/support/app.ts';

test('the docs come from this server alone', async () => {
  await using t = await openTestApp();
  const page = await t.app.inject('/docs');
  const parts = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
  assert.ok(parts.length >= 4);
  for (const path of parts) {
    assert.match(path, /^\//);
    assert.equal((await t.app.inject(path)).statusCode, 200, path);
  }
  const { body } = await t.app.inject('/docs/static/swagger-initializer.js');
  assert.match(body, /"validatorUrl":\s*null/);
});

test('a browser runs only scripts of this server on the page, shows it in no foreign frame, and needs no TLS for it', async () => {
  await using t = await openTestApp();
  const page = await t.app.inject('/docs');
  const policy = String(page.headers['content-security-policy']).split(/;\s*/).filter(Boolean);
  const directives = new Map(policy.map((directive) => [directive.split(' ')[0], directive]));
  for (const expected of [
    "default-src 'self'",
    "base-uri 'self'",
    "frame-ancestors 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "script-src-attr 'none'",
  ]) {
    assert.equal(directives.get(expected.split(' ')[0]), expected);
  }
  assert.ok(!directives.has('upgrade-insecure-requests'));
});

test('the page has its title, logo and icon, links to each operation, and forms that can be tried at once', async () => {
  await using t = await openTestApp();
  const { body } = await t.app.inject('/docs');
  assert.match(body, /<title>reelvec API<\/title>/);
  assert.match(body, /<link rel="icon" type="image\/svg\+xml" href="[^"]*logo\.svg" sizes="any"/);
  const icon = /href="([^"]*logo\.svg)"/.exec(body)![1]!;
  const { headers, body: svg } = await t.app.inject(icon);
  assert.match(String(headers['content-type']), /^image\/svg\+xml/);
  assert.match(svg, /^<svg.*<\/svg>\s*$/s);
  const { body: script } = await t.app.inject('/docs/static/swagger-initializer.js');
  assert.match(script, /"deepLinking":\s*true/);
  assert.match(script, /"tryItOutEnabled":\s*true/);
  assert.match(script, /data:image\/svg\+xml;base64,/);
});

test('the root leads browsers to the docs, and tells programs where the API is', async () => {
  for (const [publicUrl, base] of [
    [undefined, 'http://reelvec.test:1212'],
    ['https://vectors.test/sub/', 'https://vectors.test/sub'],
  ] as const) {
    await using t = await openTestApp((deps) => ({ ...deps, ...(publicUrl && { publicUrl }) }));
    const get = (accept?: string) =>
      t.app.inject({ url: '/', headers: { host: 'reelvec.test:1212', ...(accept && { accept }) } });
    const browser = await get('text/html,application/xhtml+xml');
    assert.deepEqual([browser.statusCode, browser.headers['location']], [302, '/docs']);
    assert.match(String(browser.headers['vary']), /accept/);
    for (const accept of [undefined, '*/*', 'application/json']) {
      const program = await get(accept);
      assert.deepEqual(program.json(), {
        name: 'reelvec',
        version: '0.0.0-test',
        api: `${base}/v1.3`,
        docs: `${base}/docs`,
        openapi: `${base}/openapi.json`,
      });
      assert.match(String(program.headers['vary']), /accept/);
    }
  }
});
