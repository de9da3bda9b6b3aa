import { type Box, boxesIn, contentOf, need, oneOf, Table, Unusual } from './mp4-boxes.ts';

/** Edit lists leave out at most so much of the beginning, in seconds. */
export const MOST_LEFT_OUT_SEC = 10;

/** What is in a track's sample table (`stbl`). */
export function tablesOf(file: number, trak: Box): Box[] {
  return ['mdia', 'minf', 'stbl'].reduce((boxes, type) => inside(file, need(boxes, type)), inside(file, trak));
}

/** What kind of track it is: `vide`, `soun`, `text`, `tmcd` … */
export function kindOf(file: number, trak: Box): string {
  const media = inside(file, need(inside(file, trak), 'mdia'));
  return contentOf(file, need(media, 'hdlr'), 12).toString('latin1', 8);
}

/** The number that follows the dates of creation and change: a time scale (`mvhd`, `mdhd`), or a track's (`tkhd`). */
export function numberAfterDates(file: number, box: Box): number {
  const isLong = contentOf(file, box, 1)[0] === 1;
  return contentOf(file, box, isLong ? 24 : 16).readUInt32BE(isLong ? 20 : 12);
}

/** The boxes in a box. */
export function inside(file: number, box: Box): Box[] {
  return boxesIn(file, box.body, box.end);
}

/** The type of a track's samples, by their coding: `avc1`, `mp4a` … */
export function sampleEntry(file: number, boxes: readonly Box[]): string {
  const content = contentOf(file, need(boxes, 'stsd'), 16);
  if (content.readUInt32BE(4) !== 1) throw new Unusual('samples of several types');
  return content.toString('latin1', 12);
}

/**
 * What an edit list (`edts`) delays a track by, in ticks of the track; negative where it leaves out its beginning.
 * @throws {Unusual} unless it is empty edits, and then one that goes on
 */
export function delayOf(file: number, edts: Box | undefined, ticksPerSec: number, movieScale: number): number {
  const elst = edts && oneOf(inside(file, edts), 'elst');
  if (!elst) return 0;
  const isLong = contentOf(file, elst, 1)[0] === 1;
  const width = isLong ? 5 : 3;
  const edits = new Table(file, elst, width);
  let delay = 0;
  for (let row = 0; row < edits.rows; row++) {
    const number = (column: number) =>
      isLong ? edits.at(row, column * 2) * 2 ** 32 + edits.at(row, column * 2 + 1) : edits.at(row, column);
    const [duration, from] = [number(0), number(1)];
    const isEmpty = from === (isLong ? 2 ** 64 : 2 ** 32 - 1); // −1, and what is nearest to it
    if (row + 1 < edits.rows !== isEmpty || duration === 0) throw new Unusual('a film that is cut by its edit list');
    if (!isEmpty && from > MOST_LEFT_OUT_SEC * ticksPerSec) throw new Unusual('a late beginning');
    delay += isEmpty ? (duration / movieScale) * ticksPerSec : -from;
  }
  return delay;
}
