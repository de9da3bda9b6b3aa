import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { AV_CODEC_ID_TTML, AVIO_FLAG_WRITE, AVMEDIA_TYPE_SUBTITLE } from 'node-av/constants';
import { FormatContext, IOContext, Packet, Rational } from 'node-av/lib';
import { openContainer } from '../src/media/container.ts';
import { decode } from '../src/media/decode.ts';
import { textCodec } from '../src/media/subtitle-track.ts';
import { subtitleCues } from '../src/transcribe/subtitles.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-subtitles-'));
after(() => rmSync(folder, { recursive: true }));

/** Cues of a file's text track after parsing, with their times in tenths of seconds. */
function linesOf(path: string): string[] {
  return [...decode({ path, subtitles: true })]
    .flatMap((event) => (event.type === 'subtitle' ? subtitleCues(event.subtitle) : []))
    .map(({ startSec, endSec, text }) => `${startSec.toFixed(1)}-${endSec.toFixed(1)} ${text}`);
}

test('TTML in MP4 is read, also if an earlier document has lines of a later sample', async () => {
  const document = (...lines: string[]) =>
    `<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body><div>${lines.join('')}</div></body></tt>`;
  const [first, across, last] = [
    '<p begin="00:00:01.000" end="00:00:03.5">Hello<br/>you</p>',
    '<p begin="7s" end="9s">[door] over &amp; out</p>',
    '<p begin="10s" dur="2s">gone</p>',
  ];
  const path = join(folder, 'ttml.mp4');
  await writeTtml(path, [document(first, across), document(across, last)], { secondsEach: 8 });
  using container = openContainer(path);
  assert.equal(textCodec(container.subtitles!), 'ttml');
  assert.deepEqual(linesOf(path), ['1.0-3.5 Hello you', '7.0-9.0 over & out', '10.0-12.0 gone']);
});

describe('subtitles of real files', { skip: NO_REAL_MEDIA }, () => {
  const field = join(REAL_MEDIA, 'field');
  const promises = {
    'k08_forced_first_no_default.mkv': [
      '1.0-4.0 the lighthouse keeper does not sleep',
      '7.0-10.0 where is the harbour master',
      '13.0-16.0 nobody knows',
    ],
    'k09_overlap_same_time.mkv': ['1.0-4.0 lighthouse keeper never sleeps', '1.0-4.0 harbour master always drinks'],
    'k10_entities_numeric.mkv': [`1.0-4.0 I don't know "Jim" 'ello`, '7.0-10.0 where is the harbour master'],
    'k11_ass_bare_drawing.mkv': [
      '1.0-4.0 the lighthouse keeper, does not sleep',
      '7.0-10.0 where is the harbour master',
      '13.0-16.0 nobody knows',
    ],
    'k12_webvtt_s_text.mkv': [
      '1.0-4.0 the lighthouse keeper does not sleep',
      '7.0-10.0 where is the harbour master & co',
    ],
  };
  for (const [name, lines] of Object.entries(promises)) {
    test(name, () => assert.deepEqual(linesOf(join(field, name)), lines));
  }
});

/** Writes an MP4 with a TTML track only, one document per sample. */
async function writeTtml(path: string, documents: string[], { secondsEach }: { secondsEach: number }): Promise<void> {
  const output = new FormatContext();
  output.allocOutputContext2(null, 'mp4', path);
  const stream = output.newStream(null);
  stream.codecpar.codecType = AVMEDIA_TYPE_SUBTITLE;
  stream.codecpar.codecId = AV_CODEC_ID_TTML;
  const file = new IOContext();
  assert.ok((await file.open2(path, AVIO_FLAG_WRITE)) >= 0);
  output.pb = file;
  assert.ok((await output.writeHeader(null)) >= 0);
  for (const [i, document] of documents.entries()) {
    using packet = new Packet();
    packet.alloc();
    packet.data = Buffer.from(document);
    packet.pts = packet.dts = BigInt(i * secondsEach);
    packet.duration = BigInt(secondsEach);
    packet.rescaleTs(new Rational(1, 1), stream.timeBase);
    packet.streamIndex = stream.index;
    assert.ok((await output.writeFrame(packet)) >= 0);
  }
  assert.ok((await output.writeTrailer()) >= 0);
  await file.closep();
}
