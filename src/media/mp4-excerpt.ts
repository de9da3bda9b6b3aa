import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { TimeRange } from './frames.ts';
import { type Box, boxesIn, bytesAt, contentOf, makeBox, need, oneOf, sizeOf, Unusual } from './mp4-boxes.ts';
import { cutTables, moveTables } from './mp4-cut.ts';
import { kindOf, MOST_LEFT_OUT_SEC, numberAfterDates } from './mp4-headers.ts';
import type { Span } from './mp4-runs.ts';
import { Mp4Track } from './mp4-track.ts';
import { NamelessFile } from './nameless-file.ts';

/** An index (`moov`) from this size on is cut, in bytes: FFmpeg takes four times as much for it. */
const LONG_INDEX = 1.5 * 1024 ** 2;
/** What is cut off must be worth it: at the most this share of the samples may be left, and so many. */
const MOST_LEFT = 0.5;
const MOST_SAMPLES = 150_000;
/** What is kept as it is, in bytes: other tracks, titles, a cover. */
const MOST_KEPT = 2 ** 23;
/** Bytes that are put before a file. It must be known before what is in them, which tells where samples are then. */
const PREFIX = 2 ** 24;
/** FFmpeg looks at the beginning of a file, for 5 s or 30 s of it, to find out what is in it. */
const HEAD_SEC = 40 + MOST_LEFT_OUT_SEC;
/** And at the first 100 times of a track for its frame rate. */
const HEAD_SAMPLES = 200;
/** For a film that does not start at 0, and all that is rounded. What is out of order comes on top. Seconds. */
const MARGIN_SEC = 4;
/** How far reading goes on behind a stretch, until all tracks are past it: seconds, and samples of each track. */
const TAIL_SEC = 8;
const TAIL_SAMPLES = 32;
/** Headers of boxes, in bytes. */
const SHORT_HEADER = 8;
const LONG_HEADER = 16;
/** Boxes beside `moov`. Others tell of fragments, or of something else that is not known here. */
const BESIDE = new Set(['ftyp', 'mdat', 'free', 'skip', 'wide']);
/** Kinds of tracks of which FFmpeg decodes nothing by time, and which are short: they are kept as they are. */
const KEPT = new Set(['text', 'sbtl', 'subt', 'clcp', 'tmcd', 'meta']);

/** A file as if it had the samples of a stretch only. */
export interface Excerpt extends Disposable {
  /** FFmpeg's, by the protocols `concat` and `file`. Holds until it is disposed; what is open then stays so. */
  readonly url: string;
  /** Of tracks that go on behind what is listed: FFmpeg's `Stream.id`. */
  readonly cutOff: ReadonlySet<number>;
}

/**
 * Cuts the index of an MP4 file, of which FFmpeg keeps all in memory, down to a stretch. The file itself stays as it is: a
 * short temporary one with the other index is put before it. What FFmpeg reads in the stretch, and all that it tells of
 * the tracks but their bit rates, are as in the whole.
 * @param stretch what will be sought and read, in seconds from the start of the film
 * @param longIndex from which size of the index on it is worth it, in bytes
 * @returns nothing where that is not worth it, or the file is not quite as usual
 */
export function excerptOf(path: string, stretch: TimeRange, longIndex = LONG_INDEX): Excerpt | undefined {
  // FFmpeg would take what follows the bar for one more file.
  if (path.includes('|')) return undefined;
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return cut(file, path, stretch, longIndex);
  } catch (error) {
    // A file that cannot be read, or no room for a temporary one: whoever opens the whole tells what is wrong.
    if (error instanceof Unusual || (error as NodeJS.ErrnoException).syscall !== undefined) return undefined;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function cut(file: number, path: string, stretch: TimeRange, longIndex: number): Excerpt | undefined {
  const fileSize = fstatSync(file).size;
  const beside = boxesIn(file, 0, fileSize);
  const moov = need(beside, 'moov');
  const moovSize = moov.end - moov.start;
  if (moovSize < longIndex || beside.some((box) => box !== moov && !BESIDE.has(box.type))) return undefined;
  const ftyp = oneOf(beside, 'ftyp');
  const head = ftyp ? bytesAt(file, ftyp.start, ftyp.end - ftyp.start) : Buffer.alloc(0);

  const boxes = boxesIn(file, moov.body, moov.end);
  if (boxes.some(({ type }) => type === 'mvex' || type === 'cmov')) return undefined;
  const movieScale = numberAfterDates(file, need(boxes, 'mvhd'));
  const tracks = new Map<Box, Mp4Track>();
  for (const box of boxes) {
    if (box.type === 'trak' && !KEPT.has(kindOf(file, box))) tracks.set(box, new Mp4Track(file, box, movieScale));
  }
  const kept = boxes.filter((box) => !tracks.has(box)).reduce((sum, { start, end }) => sum + end - start, 0);
  if (tracks.size === 0 || kept > MOST_KEPT) return undefined;
  const spans = spansOf([...tracks.values()], stretch);

  const left = [...spans.values()].flat().reduce((sum, { from, to }) => sum + to - from, 0);
  const all = [...tracks.values()].reduce((sum, { samples }) => sum + samples, 0);
  if (left > Math.min(MOST_LEFT * all, MOST_SAMPLES)) return undefined;
  const index = makeBox(
    'moov',
    boxes.flatMap((box) => {
      if (box.type !== 'trak') return makeBox(box.type, [contentOf(file, box)]);
      const track = tracks.get(box);
      return withTables(file, box, (tables) =>
        track ? cutTables(track, spans.get(track)!, PREFIX, fileSize) : moveTables(file, tables, PREFIX),
      );
    }),
  );
  const parts = [head, ...index];
  if (sizeOf(parts) > PREFIX - SHORT_HEADER - LONG_HEADER) return undefined;
  const prefix = writePrefix(parts, fileSize);
  return {
    url: `concat:file:${prefix.path}|file:${path}`,
    cutOff: new Set([...spans].flatMap(([{ id, samples }, list]) => (list.at(-1)!.to < samples ? [id] : []))),
    [Symbol.dispose]: () => prefix[Symbol.dispose](),
  };
}

/** For each track the samples at its beginning, and those that are read for the stretch. */
function spansOf(tracks: readonly Mp4Track[], { startSec, endSec }: TimeRange): Map<Mp4Track, Span[]> {
  const marginSec = MARGIN_SEC + Math.max(...tracks.map(({ mostShiftSec }) => mostShiftSec));
  // FFmpeg seeks in one track, and then in the others to the time that it got to.
  const from = startSec - marginSec;
  const earliest = Math.min(from, ...tracks.map((track) => track.secOf(track.entryBefore(from)))) - marginSec;
  return new Map(
    tracks.map((track) => {
      const { samples } = track;
      const headEnd = Math.min(samples, Math.max(HEAD_SAMPLES, track.sampleAt(HEAD_SEC)));
      const start = track.entryBefore(earliest);
      const end = Math.min(samples, track.sampleAt(endSec + marginSec + TAIL_SEC) + TAIL_SAMPLES);
      if (start <= headEnd) return [track, [{ from: 0, to: Math.max(headEnd, end) }]];
      return [track, [{ from: 0, to: headEnd }, ...track.stepsBetween(headEnd - 1, start), { from: start, to: end }]];
    }),
  );
}

/** A `trak` box with another sample table in it. */
export function withTables(file: number, box: Box, make: (tables: readonly Box[]) => Buffer[]): Buffer[] {
  const inside = () => boxesIn(file, box.body, box.end);
  if (box.type === 'stbl') return makeBox(box.type, make(inside()));
  const leadsThere = ['trak', 'mdia', 'minf'].includes(box.type);
  return makeBox(
    box.type,
    leadsThere ? inside().flatMap((child) => withTables(file, child, make)) : [contentOf(file, box)],
  );
}

/** Writes what is put before a file, which is all `mdat` then. The room that is not needed is a hole. */
function writePrefix(parts: readonly Buffer[], fileSize: number): NamelessFile {
  const mdat = Buffer.alloc(LONG_HEADER);
  mdat.writeUInt32BE(1);
  mdat.write('mdat', 4, 'latin1');
  mdat.writeBigUInt64BE(BigInt(LONG_HEADER + fileSize), 8);
  const free = Buffer.alloc(SHORT_HEADER);
  free.writeUInt32BE(PREFIX - LONG_HEADER - sizeOf(parts));
  free.write('free', 4, 'latin1');
  const prefix = new NamelessFile('index');
  try {
    let place = 0;
    for (const part of [...parts, free]) {
      writeAll(prefix.descriptor, part, place);
      place += part.length;
    }
    writeAll(prefix.descriptor, mdat, PREFIX - LONG_HEADER);
    return prefix;
  } catch (error) {
    prefix[Symbol.dispose]();
    throw error;
  }
}

/** At a place of its own: the position of the file stays at its beginning, from which some systems let it be read. */
function writeAll(file: number, bytes: Buffer, place: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, place + done);
}
