import type { RawSubtitle } from '../media/events.ts';
import type { Cue, TimeRange } from '../media/frames.ts';
import { decodeEntities } from './entities.ts';
import { withoutSoundDescriptions } from './sound-descriptions.ts';
import { ttmlCues } from './ttml.ts';

/** Tags of SubRip and WebVTT, and WebVTT's timestamps. Anything else between `<` and `>` may be what somebody said. */
const TAG =
  /<\/?(?:[bius]|rt|ruby|em|strong)(?:\.[^\s<>]*)?>|<\/?(?:c|v|lang|font|span|p)(?:[.\s][^<>]*)?>|<(?:\d+:)?\d\d:\d\d\.\d{3}>/gi;
/** Commands of ASS that draw instead of writing, without the tag that says so: `m 0 0 l 100 0 100 100`. */
const DRAWING = /^\s*m(?:\s+-?[\d.]+){2}(?:\s+(?:[mnlbspc]|-?[\d.]+))*\s*$/i;

/**
 * What is said in a subtitle packet: plain words, without markup and descriptions of sounds.
 * @returns one cue, more for TTML, and none for packets without words
 */
export function subtitleCues(packet: RawSubtitle): Cue[] {
  const { codec, startSec, endSec, originSec, data } = packet;
  const text = new TextDecoder().decode(textBytes(codec, data));
  const cues =
    codec === 'ttml'
      ? ttmlCues(text)
          .map((cue) => ({ ...cue, startSec: cue.startSec - originSec, endSec: cue.endSec - originSec }))
          // A line across two documents is in both of them.
          .filter((cue) => cue.startSec >= startSec && cue.startSec < endSec)
      : [{ startSec, endSec, text: plainText(codec, text) }];
  return cues.map((cue) => ({ ...cue, text: spokenText(cue.text) })).filter((cue) => cue.text !== '');
}

/**
 * What is said in each segment. A cue's words are spread evenly over the time it is shown, and each word belongs to the
 * segment in which it falls, so that no word counts twice where a segment's edge lies within a line. Within a segment
 * the words of a cue stay together.
 * @param cues in any order; of those that begin at the same time, the first comes first
 * @param segments in order, without overlap
 * @returns one text per segment, empty where nothing is said
 */
export function textOfSegments(cues: readonly Cue[], segments: readonly TimeRange[]): string[] {
  const spoken = segments.map((): string[] => []);
  for (const { startSec, endSec, text } of cues.toSorted((a, b) => a.startSec - b.startSec)) {
    const words = wordsOf(text);
    for (const [i, word] of words.entries()) {
      const timeSec = startSec + ((i + 0.5) / words.length) * (endSec - startSec);
      const segment = segments.findIndex((range) => timeSec >= range.startSec && timeSec < range.endSec);
      spoken[segment]?.push(word);
    }
  }
  return spoken.map((words) => words.join(' '));
}

function spokenText(text: string): string {
  return withoutSoundDescriptions(wordsOf(text), (word) => word).join(' ');
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** 3GPP timed text begins with the length of the text, 16 bits big-endian; style boxes follow it. */
function textBytes(codec: string, data: Uint8Array): Uint8Array {
  if (codec !== 'mov_text') return data;
  if (data.length < 2) return new Uint8Array();
  return data.subarray(2, 2 + ((data[0]! << 8) | data[1]!));
}

function plainText(codec: string, text: string): string {
  if (codec === 'ass' || codec === 'ssa') return plainAss(text);
  // Some SubRip files hold overrides of ASS.
  return decodeEntities(withoutOverrides(text.replace(/<br\s*\/?>/gi, ' ').replace(TAG, ''), /\{\\[^}]*\}/));
}

/** Matroska's ASS packets: `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text`. */
function plainAss(packet: string): string {
  const text = packet.split(',').slice(8).join(',');
  return withoutOverrides(text, /\{[^}]*\}/).replace(/\\[Nnh]/g, ' ');
}

/** Takes out override blocks, and what is drawn between `\p1` (or higher) and `\p0`. */
function withoutOverrides(text: string, block: RegExp): string {
  let isDrawing = false;
  const parts = text.split(new RegExp(`(${block.source})`));
  const kept = parts.map((part, i) => {
    if (i % 2 === 0) return isDrawing ? '' : part;
    const scale = [...part.matchAll(/\\p(\d+)/g)].at(-1)?.[1];
    if (scale !== undefined) isDrawing = Number(scale) > 0;
    return '';
  });
  const written = kept.join('');
  return DRAWING.test(written) ? '' : written;
}
