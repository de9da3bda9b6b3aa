import {
  AV_DISPOSITION_CAPTIONS,
  AV_DISPOSITION_COMMENT,
  AV_DISPOSITION_DEFAULT,
  AV_DISPOSITION_FORCED,
  AV_DISPOSITION_HEARING_IMPAIRED,
} from 'node-av/constants';
import { avGetCodecName, type Stream } from 'node-av/lib';

/** Subtitle codecs that hold text; the others (`dvd_subtitle`, `hdmv_pgs_subtitle`) hold pictures. */
const TEXT_CODECS = new Set(['mov_text', 'subrip', 'text', 'webvtt', 'ass', 'ssa', 'ttml']);
/** How the header of a WebVTT track begins, which Matroska keeps as the codec's private data. */
const WEBVTT_MAGIC = 'WEBVTT';

/** Kinds of tracks that come after full subtitles: the kind of least use last. SDH has all words, forced ones only a few. */
const SPECIAL_KINDS: readonly { readonly disposition: number; readonly title: RegExp }[] = [
  {
    disposition: AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_CAPTIONS,
    title: /\b(SDH|CC|hearing[ -]impaired)\b/i,
  },
  { disposition: AV_DISPOSITION_FORCED, title: /(?<!\bnon[ -]?|\bnot )\b(forced|signs)\b/i },
  { disposition: AV_DISPOSITION_COMMENT, title: /\bcommentary\b/i },
];

/** FFmpeg's name of a text codec, by which its packets are read; undefined for tracks that hold no text. */
export function textCodec({ codecpar }: Stream): string | undefined {
  const name = avGetCodecName(codecpar.codecId) ?? '';
  if (TEXT_CODECS.has(name)) return name;
  // FFmpeg 8 knows `D_WEBVTT/SUBTITLES` of WebM, but not the `S_TEXT/WEBVTT` of Matroska.
  return codecpar.extradata?.subarray(0, WEBVTT_MAGIC.length).toString() === WEBVTT_MAGIC ? 'webvtt' : undefined;
}

/** The text track with the most of what is said: full ones before {@link SPECIAL_KINDS}, of a kind the default one, or the first. */
export function chooseSubtitles(tracks: readonly Stream[]): Stream | undefined {
  const isDefault = ({ disposition }: Stream) => (disposition & AV_DISPOSITION_DEFAULT) !== 0;
  return tracks
    .filter((track) => textCodec(track) !== undefined)
    .toSorted((a, b) => kindOf(a) - kindOf(b) || Number(isDefault(b)) - Number(isDefault(a)))[0];
}

/** 0 for full subtitles, else one more than the last of {@link SPECIAL_KINDS} that the track is of. */
function kindOf({ disposition, metadata }: Stream): number {
  const title = metadata?.get('title') ?? '';
  return SPECIAL_KINDS.findLastIndex((kind) => (disposition & kind.disposition) !== 0 || kind.title.test(title)) + 1;
}
