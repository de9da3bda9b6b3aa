import type { TimeRange } from '../domain/time-range.ts';
import type { RawSubtitle } from '../media/events.ts';
import type { Cue } from '../media/frames.ts';
import { decodeEntities } from './entities.ts';
import { withoutSoundDescriptions } from './sound-descriptions.ts';
import { ttmlCues } from './ttml.ts';

/** Tags of SubRip and WebVTT, and WebVTT timestamps. Other text between `<` and `>` may be speech. */
const TAG =
  /<\/?(?:[bius]|rt|ruby|em|strong)(?:\.[^\s<>]*)?>|<\/?(?:c|v|lang|font|span|p)(?:[.\s][^<>]*)?>|<(?:\d+:)?\d\d:\d\d\.\d{3}>/gi;
/** ASS drawing commands without the tag that introduces them: `m 0 0 l 100 0 100 100`. */
const DRAWING = /^\s*m(?:\s+-?[\d.]+){2}(?:\s+(?:[mnlbspc]|-?[\d.]+))*\s*$/i;

/**
 * Parses a subtitle packet to plain text, without markup and sound descriptions.
 * @returns one cue; several for TTML; none for a packet without words
 */
export function subtitleCues(packet: RawSubtitle): Cue[] {
  const { codec, startSec, endSec, originSec, data } = packet;
  const text = new TextDecoder().decode(textBytes(codec, data));
  const cues =
    codec === 'ttml'
      ? ttmlCues(text)
          .map((cue) => ({ ...cue, startSec: cue.startSec - originSec, endSec: cue.endSec - originSec }))
          // A line that spans two documents is in both of them.
          .filter((cue) => cue.startSec >= startSec && cue.startSec < endSec)
      : [{ startSec, endSec, text: plainText(codec, text) }];
  return cues.map((cue) => ({ ...cue, text: spokenText(cue.text) })).filter((cue) => cue.text !== '');
}

/**
 * Assigns the words of cues to segments. A cue's words are spread evenly over its display time, and each word belongs to
 * the segment at its time, so no word counts twice where a segment's edge is within a line. Within a segment the words
 * of a cue stay together.
 * @param cues in any order; cues with equal start times keep their order
 * @param segments in order, without overlap
 * @returns one text per segment, empty for a segment without words
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

/** Text of a packet. 3GPP timed text has the length (16 bits, big-endian) before it and style boxes after it. */
function textBytes(codec: string, data: Uint8Array): Uint8Array {
  if (codec !== 'mov_text') return data;
  if (data.length < 2) return new Uint8Array();
  return data.subarray(2, 2 + ((data[0]! << 8) | data[1]!));
}

function plainText(codec: string, text: string): string {
  if (codec === 'ass' || codec === 'ssa') return plainAss(text);
  // Some SubRip files contain ASS override blocks.
  return decodeEntities(withoutOverrides(text.replace(/<br\s*\/?>/gi, ' ').replace(TAG, ''), /\{\\[^}]*\}/));
}

/** Text of an ASS packet in Matroska: `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text`. */
function plainAss(packet: string): string {
  const text = packet.split(',').slice(8).join(',');
  return withoutOverrides(text, /\{[^}]*\}/).replace(/\\[Nnh]/g, ' ');
}

/** Removes override blocks, and drawings between `\p1` (or higher) and `\p0`. */
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
