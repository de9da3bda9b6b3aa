import {
  AV_DISPOSITION_CAPTIONS,
  AV_DISPOSITION_COMMENT,
  AV_DISPOSITION_DEFAULT,
  AV_DISPOSITION_FORCED,
  AV_DISPOSITION_HEARING_IMPAIRED,
} from 'node-av/constants';
import { avGetCodecName, type Stream } from 'node-av/lib';

/** Subtitle codecs that hold text; others (`dvd_subtitle`, `hdmv_pgs_subtitle`) hold pictures. */
const TEXT_CODECS = new Set(['mov_text', 'subrip', 'text', 'webvtt', 'ass', 'ssa', 'ttml']);
/** Start of a WebVTT header, which Matroska stores as the codec's private data. */
const WEBVTT_MAGIC = 'WEBVTT';

/** Kinds of tracks ranked after full subtitles, least useful last. SDH has all words; forced subtitles have a few. */
const SPECIAL_KINDS: readonly { readonly disposition: number; readonly title: RegExp }[] = [
  {
    disposition: AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_CAPTIONS,
    title: /\b(SDH|CC|hearing[ -]impaired)\b/i,
  },
  { disposition: AV_DISPOSITION_FORCED, title: /(?<!\bnon[ -]?|\bnot )\b(forced|signs)\b/i },
  { disposition: AV_DISPOSITION_COMMENT, title: /\bcommentary\b/i },
];

/** FFmpeg's name of a track's text codec; undefined for a track without text. */
export function textCodec({ codecpar }: Stream): string | undefined {
  const name = avGetCodecName(codecpar.codecId) ?? '';
  if (TEXT_CODECS.has(name)) return name;
  // FFmpeg 8 knows `D_WEBVTT/SUBTITLES` of WebM, but not the `S_TEXT/WEBVTT` of Matroska.
  return codecpar.extradata?.subarray(0, WEBVTT_MAGIC.length).toString() === WEBVTT_MAGIC ? 'webvtt' : undefined;
}

/** Selects the text track with the most speech: full subtitles before {@link SPECIAL_KINDS}, then default, then first. */
export function chooseSubtitles(tracks: readonly Stream[]): Stream | undefined {
  const isDefault = ({ disposition }: Stream) => (disposition & AV_DISPOSITION_DEFAULT) !== 0;
  return tracks
    .filter((track) => textCodec(track) !== undefined)
    .toSorted((a, b) => kindOf(a) - kindOf(b) || Number(isDefault(b)) - Number(isDefault(a)))[0];
}

/** Rank of a track: 0 for full subtitles, else one plus its last index in {@link SPECIAL_KINDS}. */
function kindOf({ disposition, metadata }: Stream): number {
  const title = metadata?.get('title') ?? '';
  return SPECIAL_KINDS.findLastIndex((kind) => (disposition & kind.disposition) !== 0 || kind.title.test(title)) + 1;
}
