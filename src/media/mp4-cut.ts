import { type Box, bytesAt, contentOf, makeBox, type Table, Unusual } from './mp4-boxes.ts';
import { Chunks } from './mp4-places.ts';
import { LONGEST_TICKS, type Runs, type Span } from './mp4-runs.ts';
import type { Mp4Track } from './mp4-track.ts';

/**
 * A track's sample table (the content of `stbl`) with the samples of some spans only. It keeps what FFmpeg makes of the
 * whole of it: the times of the samples, the track's frame rate and length, how its decoding times are moved.
 * @param spans in order and apart; the first begins with the first sample
 * @param shift what is added to the samples' places in the file, whose size is `fileSize`. Bytes.
 * @throws {Unusual} when that cannot be kept
 */
export function cutTables(track: Mp4Track, spans: readonly Span[], shift: number, fileSize: number): Buffer[] {
  if (track.isReordered && track.shifts) checkOrder(track.durations, track.shifts, spans);
  const { file } = track;
  const { size } = track.places;
  const sizesIn = ({ from, to }: Span) => Array.from({ length: to - from }, (_, i) => track.places.sizeOf(from + i));
  return track.boxes.flatMap((box) => {
    const made = (numbers: readonly number[]) => makeBox(box.type, [contentOf(file, box, 4), wordsOf(numbers)]);
    const rows = (columns: number, numbers: readonly number[]) => made([numbers.length / columns, ...numbers]);
    switch (box.type) {
      case 'stts':
        return rows(2, cutDurations(track, spans));
      case 'ctts':
        return rows(2, cutShifts(track, spans));
      case 'stss':
        return rows(1, cutKeys(track.keys!, spans));
      case 'stsz':
        return made([size, countOf(spans), ...(size > 0 ? [] : spans.flatMap(sizesIn))]);
      case 'stsc':
        return rows(3, [1, 1, 1]); // each sample is a chunk
      case 'stco':
      case 'co64':
        return placesBox(
          spans.flatMap((span) => track.places.of(span, fileSize)),
          shift,
        );
      case 'sdtp':
        return makeBox(box.type, cutFlags(track, box, spans));
      case 'sbgp': // of groups that do not matter, see `Mp4Track`
      case 'free':
        return [];
      default:
        return makeBox(box.type, [contentOf(file, box)]);
    }
  });
}

/** The content of `stbl` with all samples, at other places in the file. */
export function moveTables(file: number, boxes: readonly Box[], shift: number): Buffer[] {
  const chunks = new Chunks(file, boxes);
  const places = Array.from({ length: chunks.rows }, (_, chunk) => chunks.at(chunk));
  return boxes.flatMap((box) =>
    box === chunks.box ? placesBox(places, shift) : makeBox(box.type, [contentOf(file, box)]),
  );
}

function cutDurations(track: Mp4Track, spans: readonly Span[]): number[] {
  const { durations, samples } = track;
  const rows = spans.flatMap((span, i) => {
    const next = spans[i + 1];
    if (!next) return durations.cut(span);
    // The last sample before a gap lasts until its end.
    const last = span.to - 1;
    return [...durations.cut({ ...span, to: last }), 1, track.ticksOf(next.from) - track.ticksOf(last)];
  });
  // FFmpeg takes the frame rate and the length of the track from this table, also from rows without samples.
  let rest = samples - countOf(spans);
  let ticks = durations.sum - track.ticksOf(spans.at(-1)!.to);
  for (; ticks > LONGEST_TICKS && rest > 1; rest--) {
    rows.push(1, LONGEST_TICKS);
    ticks -= LONGEST_TICKS;
  }
  if (rest > 1) rows.push(rest - 1, 0);
  if (rest > 0) rows.push(1, ticks);
  return rows;
}

function cutShifts({ shifts, leastShift }: Mp4Track, spans: readonly Span[]): number[] {
  const rows = spans.flatMap((span) => shifts!.cut(span));
  // As if the sample with the least shift were among them; the last two rows do not count for that.
  return leastShift < 0 ? [...rows, 1, leastShift, 1, 0, 1, 0] : rows;
}

function cutKeys(keys: Table, spans: readonly Span[]): number[] {
  const numbers: number[] = [];
  let row = 0;
  let before = 0;
  for (const { from, to } of spans) {
    for (; row < keys.rows && keys.at(row) <= to; row++) {
      if (keys.at(row) > from) numbers.push(keys.at(row) - from + before);
    }
    before += to - from;
  }
  return numbers;
}

function cutFlags({ file, samples }: Mp4Track, box: Box, spans: readonly Span[]): Buffer[] {
  const head = 4;
  if (box.end - box.body !== head + samples) throw new Unusual('flags of other samples');
  return [contentOf(file, box, head), ...spans.map(({ from, to }) => bytesAt(file, box.body + head + from, to - from))];
}

/**
 * FFmpeg tells the decoder how far pictures are out of order by looking at all of them (`mov_estimate_video_delay`).
 * @throws {Unusual} when those of some spans would tell something else
 */
function checkOrder(durations: Runs, shifts: Runs, spans: readonly Span[]): void {
  const [all, some] = [new Disorder(), new Disorder()];
  const [lasting, shifted] = [durations.at(0), shifts.at(0)];
  let decodedAt = 0;
  for (let sample = 0, i = 0; sample < shifts.samples; sample++) {
    if (lasting.to === sample) lasting.next();
    if (shifted.to === sample) shifted.next();
    const shownAt = decodedAt + (shifted.value | 0);
    decodedAt += lasting.value;
    all.push(shownAt);
    if (sample === spans[i]?.to) i++;
    if (i < spans.length && sample >= spans[i]!.from) some.push(shownAt);
  }
  if (all.depth !== some.depth) throw new Unusual('pictures that are elsewhere more out of order');
}

/** How many of the pictures before are shown after a picture, at the most. */
class Disorder {
  depth = 0;
  /** The latest of the times that were, in order; as many as FFmpeg looks at. */
  readonly #latest = new Float64Array(17).fill(Number.NEGATIVE_INFINITY);

  push(time: number): void {
    const latest = this.#latest;
    latest.copyWithin(0, 1);
    let place = latest.length - 1;
    for (; place > 0 && latest[place - 1]! > time; place--) latest[place] = latest[place - 1]!;
    latest[place] = time;
    this.depth = Math.max(this.depth, latest.length - 1 - place);
  }
}

function placesBox(places: readonly number[], shift: number): Buffer[] {
  const words = places.flatMap((place) => [Math.floor((place + shift) / 2 ** 32), (place + shift) % 2 ** 32]);
  return makeBox('co64', [wordsOf([0, places.length, ...words])]);
}

function countOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** Numbers of 32 bits, the way that MP4 writes them. */
function wordsOf(numbers: readonly number[]): Buffer {
  const words = Buffer.allocUnsafeSlow(numbers.length * 4);
  numbers.forEach((number, i) => {
    words.writeInt32BE(number | 0, i * 4);
  });
  return words;
}
