import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ReelvecError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';

const field = 'video.media_source.base64_string';
const decode = (text: string) => decodeBase64(text, { field });

test('every usual form of base64 is decoded', () => {
  for (const length of [1, 2, 3, 1000, 1001, 1002]) {
    const bytes = randomBytes(length);
    const standard = bytes.toString('base64');
    for (const text of [
      standard,
      standard.replace(/=+$/, ''),
      bytes.toString('base64url'),
      `data:video/mp4;base64,${standard}`,
      `data:video/mp4;codecs=avc1;BASE64,${standard}`,
      standard.replace(/.{1,76}/g, '$&\r\n'),
      ` ${standard.replace(/.{1,76}/g, '$& \n\t')} `,
    ]) {
      assert.deepEqual(Buffer.from(decode(text)), bytes);
    }
  }
});

test('invalid base64 is refused with the field and the position', () => {
  const wrong: Record<string, RegExp> = {
    '': /is empty/,
    '====': /is not base64/,
    'data:video/mp4;base64,': /is empty/,
    'data:video/mp4,AAAA': /data: URI without base64/,
    'data:nothing': /data: URI without base64/,
    AAAA$AAA: /unexpected character "\$" at position 4/,
    'AA=AAAAA': /unexpected character "=" at position 2/,
    AAAAA: /length is wrong/,
    'AAAAAA=': /length is wrong/,
    'AAAA,BBBB': /unexpected character "," at position 4/,
    ';base64,AAAA': /unexpected character ";"/,
    'AAA==': /length is wrong/,
    'AA AAAAA': /space at position 2.*Form encoding turns \+ into a space/,
    'data:video/mp4;base64,AAA   AA': /space at position 3.*%2B/,
    'https://example.org/a.mp4': /unexpected character ":"/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(
      () => decode(text),
      (error) =>
        error instanceof ReelvecError &&
        error.code === 'parameter_invalid' &&
        error.message.startsWith(field) &&
        message.test(error.message),
      text,
    );
  }
});

test('36 MB pass, one byte more does not', () => {
  const limit = 36 * 1024 * 1024;
  assert.equal(decode(Buffer.alloc(limit).toString('base64')).length, limit);
  assert.throws(() => decode(Buffer.alloc(limit + 1).toString('base64')), /at most 37748736/);
});
