import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { InputFormat } from 'node-av/lib';
import { ALLOWED, REFUSED, refusalOf } from './demuxers.ts';

const LONGEST_NAME = 24;
const [ZERO, NINE, UNDERSCORE, A, Z, COMMA] = Buffer.from('09_az,');

/**
 * All demuxers of the FFmpeg build. node-av cannot list them, but finds one by name, and each name is a string in its library,
 * or the end of one, since linkers merge strings.
 */
function demuxersOfTheBuild(): InputFormat[] {
  const nodeAv = createRequire(createRequire(import.meta.url).resolve('node-av'));
  const library = readFileSync(nodeAv.resolve(`@seydx/node-av-${process.platform}-${process.arch}/node-av.node`));
  const names = new Set<string>();
  let run = 0;
  for (let at = 0; at < library.length; at++) {
    const byte = library[at]!;
    const ends = byte === 0 || byte === COMMA;
    for (let length = 2; ends && length <= Math.min(run, LONGEST_NAME); length++) {
      names.add(library.toString('latin1', at - length, at));
    }
    const isInName = (byte >= A! && byte <= Z!) || (byte >= ZERO! && byte <= NINE!) || byte === UNDERSCORE;
    run = isInName ? run + 1 : 0;
  }
  const found = [...names].map((name) => InputFormat.findInputFormat(name)).filter((format) => format !== null);
  return [...new Map(found.map((format) => [format.name, format])).values()];
}

test('every demuxer of the build may open or is refused for a reason', () => {
  const names = demuxersOfTheBuild().map(({ name }) => name!);
  assert.ok(names.length > 300, `${names.length} found`);
  const known = [...ALLOWED, ...Object.values(REFUSED).flat()];
  assert.deepEqual(
    names.filter((name) => !known.includes(name)),
    [],
    'demuxers that the rule does not know',
  );
  assert.deepEqual(
    ALLOWED.filter((name) => !names.includes(name)),
    [],
    'allowed, but not in the build',
  );
  assert.equal(new Set(known).size, known.length, 'a demuxer stands in two lists');
});

test('demuxers that open other resources are refused', () => {
  for (const name of ['hls', 'dash', 'concat', 'imf', 'sdp', 'rtsp', 'image2', 'vobsub', 'webm_dash_manifest', 'mlv']) {
    assert.equal(refusalOf(name), 'linked', name);
  }
  assert.equal(refusalOf('lavfi'), 'device');
  assert.equal(refusalOf('wtv'), undefined);
});
