import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AV_CODEC_ID_HDMV_PGS_SUBTITLE,
  AV_CODEC_ID_NONE,
  AV_CODEC_ID_SUBRIP,
  AV_CODEC_ID_TTML,
  AV_DISPOSITION_COMMENT,
  AV_DISPOSITION_DEFAULT,
  AV_DISPOSITION_FORCED,
  AV_DISPOSITION_HEARING_IMPAIRED,
} from 'node-av/constants';
import type { Stream } from 'node-av/lib';
import { chooseSubtitles, textCodec } from './subtitle-track.ts';

interface Track {
  readonly disposition?: number;
  readonly title?: string;
  readonly codecId?: number;
  readonly extradata?: Buffer;
}

function stream({ disposition = 0, title, codecId = AV_CODEC_ID_SUBRIP, extradata }: Track): Stream {
  return { disposition, codecpar: { codecId, extradata }, metadata: { get: () => title } } as unknown as Stream;
}

/** Index of the selected track. */
function chosen(...tracks: Track[]): number {
  const streams = tracks.map(stream);
  return streams.indexOf(chooseSubtitles(streams)!);
}

const FORCED = { disposition: AV_DISPOSITION_FORCED };
const SDH = { disposition: AV_DISPOSITION_HEARING_IMPAIRED };
const COMMENTARY = { disposition: AV_DISPOSITION_COMMENT };

test('full subtitles come first, the default ones before the others', () => {
  assert.equal(chosen({}, { disposition: AV_DISPOSITION_DEFAULT }, {}), 1);
  assert.equal(chosen({}, {}), 0);
  assert.equal(chosen(FORCED, {}), 1);
  assert.equal(chosen({ disposition: AV_DISPOSITION_FORCED | AV_DISPOSITION_DEFAULT }, SDH, COMMENTARY, {}), 3);
});

test('without full subtitles, SDH comes first, then forced ones, then commentary', () => {
  assert.equal(chosen(COMMENTARY, FORCED, SDH), 2);
  assert.equal(chosen(COMMENTARY, FORCED), 1);
  assert.equal(chosen(COMMENTARY), 0);
});

test('the title determines the kind if the flags do not', () => {
  assert.equal(chosen({ title: 'English (SDH)' }, { title: 'English' }), 1);
  assert.equal(chosen({ title: 'Forced' }, { title: 'Signs & Songs' }, { title: "Director's Commentary" }, {}), 3);
  assert.equal(chosen({ title: 'Occitan, non-forced' }, {}), 0);
});

test('tracks with pictures are not chosen', () => {
  assert.equal(chosen({ codecId: AV_CODEC_ID_HDMV_PGS_SUBTITLE, disposition: AV_DISPOSITION_DEFAULT }, FORCED), 1);
  assert.equal(chosenNone({ codecId: AV_CODEC_ID_HDMV_PGS_SUBTITLE }), true);
});

test('WebVTT in Matroska is recognised by its header', () => {
  const webvtt = { codecId: AV_CODEC_ID_NONE, extradata: Buffer.from('WEBVTT\n\nSTYLE') };
  assert.equal(textCodec(stream(webvtt)), 'webvtt');
  assert.equal(textCodec(stream({ ...webvtt, extradata: Buffer.from('<?xml') })), undefined);
  assert.equal(textCodec(stream({ codecId: AV_CODEC_ID_TTML })), 'ttml');
});

function chosenNone(...tracks: Track[]): boolean {
  return chooseSubtitles(tracks.map(stream)) === undefined;
}
