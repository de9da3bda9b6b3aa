import type { Cue, TimeRange } from '../media/frames.ts';

/**
 * The text of a subtitle packet, without markup, in one line.
 * @param codec FFmpeg's name of the codec: `mov_text`, `subrip`, `text`, `webvtt`, `ass` or `ssa`
 * @param data the packet as the container holds it
 * @returns an empty string for packets that only end the line before
 */
export function subtitleText(codec: string, data: Uint8Array): string {
  const text = new TextDecoder().decode(textBytes(codec, data));
  const plain = codec === 'ass' || codec === 'ssa' ? stripAss(text) : stripTags(text);
  return plain.replace(/\s+/g, ' ').trim();
}

/**
 * What is said in each segment: a cue's words are spread evenly over the time it is shown, and each word belongs to
 * the segment in which it falls. So no word counts twice where a segment's edge lies within a line.
 * @param cues in any order
 * @param segments in order, without overlap
 * @returns one text per segment, empty where nothing is said
 */
export function textOfSegments(cues: readonly Cue[], segments: readonly TimeRange[]): string[] {
  const words = cues
    .flatMap(({ startSec, endSec, text }) =>
      text
        .split(' ')
        .filter((word) => word !== '')
        .map((word, i, all) => ({ word, timeSec: startSec + ((i + 0.5) / all.length) * (endSec - startSec) })),
    )
    .sort((a, b) => a.timeSec - b.timeSec);
  let next = 0;
  return segments.map(({ startSec, endSec }) => {
    const spoken: string[] = [];
    for (; next < words.length && words[next]!.timeSec < endSec; next++) {
      if (words[next]!.timeSec >= startSec) spoken.push(words[next]!.word);
    }
    return spoken.join(' ');
  });
}

/** 3GPP timed text begins with the length of the text, 16 bits big-endian; style boxes follow it. */
function textBytes(codec: string, data: Uint8Array): Uint8Array {
  if (codec !== 'mov_text') return data;
  if (data.length < 2) return new Uint8Array();
  return data.subarray(2, 2 + ((data[0]! << 8) | data[1]!));
}

/** SubRip's and WebVTT's tags (`<i>`, `<v Speaker>`, `<00:01.000>`), ASS overrides that some SubRip files hold, entities. */
function stripTags(text: string): string {
  return text
    .replace(/<[^>]*>/g, '')
    .replace(/\{\\[^}]*\}/g, '')
    .replace(/&(?:nbsp|lrm|rlm);/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
}

/** Matroska's ASS packets: `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text`. */
function stripAss(packet: string): string {
  const text = packet.split(',').slice(8).join(',');
  // a drawing is no text
  if (/\{[^}]*\\p[1-9]/.test(text)) return '';
  return text.replace(/\{[^}]*\}/g, '').replace(/\\[Nnh]/g, ' ');
}
