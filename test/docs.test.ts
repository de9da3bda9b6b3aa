import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { call } from './support/tasks.ts';

const CHROMIUM = programNamed('chromium', 'chromium-browser', 'google-chrome');
/** A name that is not localhost, for which browsers make exceptions. */
const HOST = 'reelvec.test';

describe('what a server tells of itself', { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  before(async () => {
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path }));
  });
  after(() => stack.disposeAsync());

  test('a browser that shows /docs over http, by a name other than localhost, shows the operations', {
    skip: CHROMIUM === undefined && 'Chromium is not installed',
  }, async () => {
    using profile = temporaryFolder();
    const { port } = new URL(server.url);
    const { stdout: dom } = await promisify(execFile)(
      CHROMIUM!,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        `--user-data-dir=${profile.path}`,
        `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
        '--timeout=20000',
        '--virtual-time-budget=20000',
        '--dump-dom',
        `http://${HOST}:${port}/`,
      ],
      { maxBuffer: 1 << 26, timeout: 90_000, killSignal: 'SIGKILL' },
    );
    assert.match(dom, /<title>reelvec API<\/title>/);
    const shown = [...dom.matchAll(/data-path="([^"]+)"/g)].map(([, path]) => path!.replaceAll('\u200b', ''));
    const { body: document } = await call(server, 'GET', '//openapi.json', { headers: {} });
    assert.deepEqual([...new Set(shown)].sort(), Object.keys(document.paths).sort());
    assert.match(dom, /<img[^>]+src="data:image\/svg\+xml;base64,[^"]+"/, 'the logo');
  });

  test('/ leads a browser to the documentation and tells a program where the API is', async () => {
    const { origin } = new URL(server.url);
    const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const page = await fetch(origin, { headers, redirect: 'manual' });
    assert.deepEqual([page.status, page.headers.get('location')], [302, '/docs']);
    const { status, body } = await call(server, 'GET', '//', { headers: {} });
    const { version: _, ...places } = body;
    const { api, docs, openapi } = { api: server.url, docs: `${origin}/docs`, openapi: `${origin}/openapi.json` };
    assert.deepEqual([status, places], [200, { name: 'reelvec', api, docs, openapi }]);
  });

  test('a path without the version, or with another, is answered with the one that was meant', async () => {
    for (const path of ['/embed-v2/tasks', '/v1.2/embed-v2/tasks', '/embed-v2', '/assets/1']) {
      const { status, body } = await call(server, 'POST', `/${path}`, { body: {} });
      const meant = `/v1.3${path.replace('/v1.2', '')}`;
      assert.equal(status, 404);
      assert.ok(body.message.includes(`ask for ${meant},`), body.message);
    }
    for (const path of ['/v1.3/embed-v2/nothing', '/nothing']) {
      const { status, body } = await call(server, 'GET', `/${path}`);
      assert.equal(status, 404);
      assert.match(body.message, /^There is no GET \S+ See \/docs/);
    }
  });
});

/** The first of some programs that is on the PATH. */
function programNamed(...names: string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
