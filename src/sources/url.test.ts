import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filenameOf, parseSourceUrl } from './url.ts';

test('a source URL is http or https without a login', () => {
  const field = 'video.media_source.url';
  assert.equal(parseSourceUrl('https://example.org/a.mp4', { field }).host, 'example.org');
  for (const text of [
    '',
    'a.mp4',
    'file:///etc/passwd',
    'ftp://example.org/a',
    'data:,x',
    'http://u:p@example.org/',
    'http://u@h/',
  ]) {
    assert.throws(
      () => parseSourceUrl(text, { field }),
      { code: 'parameter_invalid', message: /^video\.media_source\.url / },
      text,
    );
  }
});

test('the file name is the last segment of the path', () => {
  const names: Record<string, string> = {
    'https://h.org/a/b/clip%20one.mp4?x=/y': 'clip one.mp4',
    'https://h.org/': 'h.org',
    'https://h.org/dir/': 'h.org',
    'https://h.org/100%.mp4': '100%.mp4',
    'https://h.org/..%2F..%2Fetc%2Fpasswd': '....etcpasswd',
    'https://h.org/a%00%0Ab.mp4': 'ab.mp4',
  };
  for (const [url, name] of Object.entries(names)) assert.equal(filenameOf(new URL(url)), name);
  assert.equal(filenameOf(new URL(`https://h.org/${'x'.repeat(300)}.mp4`)).length, 255);
});
