import assert from 'node:assert/strict';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Demuxer, Muxer } from 'node-av/api';
import { AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import type { Packet } from 'node-av/lib';
import { loopMedia } from '../../test/support/loop-media.ts';
import { makeMedia } from '../../test/support/make-media.ts';
import { randomFrom } from '../../test/support/mutate.ts';
import { REAL_MEDIA } from '../../test/support/real-media.ts';
import { isReelvecError } from '../errors.ts';
import { decode } from './decode.ts';
import type { DecodeRequest, MediaEvent } from './events.ts';
import type { TimeRange } from './frames.ts';
import { type Box, boxesIn, bytesAt, makeBox } from './mp4-boxes.ts';
import { moveTables } from './mp4-cut.ts';
import { excerptOf, withTables } from './mp4-excerpt.ts';
import { probe } from './probe.ts';

const seed = Number(process.env['REELVEC_TEST_SEED'] ?? Date.now() % 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'reelvec-excerpt-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);

const FILM_SEC = 240;
const DAMAGED = 40;
const PICTURE = { width: 16, height: 16, fit: 'stretch' } as const;
/** Whatever its length, an index is long. */
const ALWAYS = 0;
const NEVER = Number.POSITIVE_INFINITY;

/** Pictures of which some come out of order, an entry every ten seconds, sound with an edit list for its priming. */
const film = makeMedia(file('film.mp4'), {
  video: `testsrc2=size=64x48:rate=24:duration=${FILM_SEC}`,
  audio: `sine=frequency=440:duration=${FILM_SEC}`,
});
const slides = makeMedia(file('slides.mp4'), { video: 'testsrc2=size=64x48:rate=1/2:duration=1600' });

interface TrackRecipe {
  readonly of: string;
  readonly type: typeof AVMEDIA_TYPE_VIDEO | typeof AVMEDIA_TYPE_AUDIO;
  /** Seconds. */
  readonly delaySec?: number;
  /** Only packets from so far after the beginning on; they are then at 0. */
  readonly fromSec?: number;
  readonly toSec?: number;
}

/** Tracks of other files, in a file of their own. */
function remux(name: string, tracks: readonly TrackRecipe[], movflags = ''): string {
  using inputs = new DisposableStack();
  using output = Muxer.openSync(file(name), movflags === '' ? {} : { options: { movflags } });
  const packets = tracks.flatMap(({ of, type, delaySec = 0, fromSec = 0, toSec = Number.POSITIVE_INFINITY }) => {
    const input = inputs.use(Demuxer.openSync(of));
    const stream = input.streams.find(({ codecpar }) => codecpar.codecType === type)!;
    const index = output.addStream(stream);
    const { num, den } = stream.timeBase;
    const shift = BigInt(Math.round(((delaySec - fromSec) * den) / num));
    const found: { packet: Packet; index: number; sec: number }[] = [];
    for (const packet of input.packetsSync(stream.index)) {
      if (!packet) break;
      const sec = (Number(packet.dts) * num) / den;
      if (sec < fromSec || sec >= toSec) continue;
      packet.pts += shift;
      packet.dts += shift;
      found.push({ packet, index, sec: sec - fromSec + delaySec });
    }
    return found;
  });
  for (const { packet, index } of packets.sort((a, b) => a.sec - b.sec)) {
    output.writePacketSync(packet, index);
    packet.free();
  }
  return file(name);
}

const pictures = (of = film): TrackRecipe => ({ of, type: AVMEDIA_TYPE_VIDEO });
const sound = (of = film): TrackRecipe => ({ of, type: AVMEDIA_TYPE_AUDIO });

/** The film with its media behind five gigabytes of nothing. */
function far(name: string): string {
  const hole = 5 * 2 ** 30;
  const source = openSync(film, 'r');
  const target = openSync(file(name), 'w');
  try {
    const [ftyp, ...boxes] = boxesIn(source, 0, statSync(film).size);
    const header = Buffer.alloc(16);
    header.writeUInt32BE(1);
    header.write('free', 4, 'latin1');
    header.writeBigUInt64BE(BigInt(hole), 8);
    writeSync(target, readFileSync(film).subarray(0, ftyp!.end));
    writeSync(target, header, 0, header.length, ftyp!.end);
    for (const box of boxes) {
      const moved = (part: Box) => withTables(source, part, (tables) => moveTables(source, tables, hole));
      const bytes =
        box.type === 'moov'
          ? makeBox('moov', boxesIn(source, box.body, box.end).flatMap(moved))
          : [bytesOf(source, box)];
      writeSync(target, Buffer.concat(bytes), 0, undefined, hole + box.start);
    }
    return file(name);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

function bytesOf(source: number, { start, end }: Box): Buffer {
  return bytesAt(source, start, end - start);
}

type Events = Partial<Record<string, MediaEvent[]>>;

/** All events of a request but signs of life and content around its range, each kind by itself, of damage how often; or the error. */
function eventsOf(request: DecodeRequest, longIndex: number): Events | string {
  try {
    return Object.groupBy(
      decode(request, longIndex)
        .filter((event) => event.type !== 'skipped' && (event.type !== 'content' || meets(event, request.range)))
        .map((event) => (event.type === 'damage' ? { ...event, startSec: 0, endSec: 0 } : event))
        .map((event) =>
          event.type === 'sound' || event.type === 'around'
            ? { ...event, sound: { ...event.sound, samples: event.sound.samples.slice() } }
            : event,
        ),
      (event) => (event.type === 'picture' ? event.view : event.type),
    );
  } catch (error) {
    if (isReelvecError(error)) return error.message;
    throw error;
  }
}

function meets({ startSec, endSec }: TimeRange, range: TimeRange | undefined): boolean {
  return !range || (endSec > range.startSec && startSec < range.endSec);
}

/** Decodes a range with the whole index and with a part of it. @returns whether it was read by a part */
function compare(request: DecodeRequest & { range: TimeRange }): boolean {
  const part = eventsOf(request, ALWAYS);
  const whole = eventsOf(request, NEVER);
  if (!isDeepStrictEqual(part, whole)) {
    const again = eventsOf(request, NEVER);
    assert.deepEqual(repeatable(part, whole, again), repeatable(whole, whole, again), JSON.stringify(request));
  }
  using excerpt = excerptOf(request.path, request.range, ALWAYS);
  return excerpt !== undefined;
}

/**
 * Events of which sound that even the whole does not give twice alike has only its place and length: for an AAC packet
 * that names no channel, FFmpeg gives out memory that it has not written.
 */
function repeatable(events: Events | string, whole: Events | string, again: Events | string): unknown {
  if (typeof events === 'string' || typeof whole === 'string' || typeof again === 'string') return events;
  const of = (kind: 'sound' | 'around') =>
    events[kind]?.map((event, i) =>
      isDeepStrictEqual(whole[kind]?.[i], again[kind]?.[i]) || event.type !== kind
        ? event
        : { ...event, sound: { ...event.sound, samples: event.sound.samples.length } },
    );
  return { ...events, sound: of('sound'), around: of('around') };
}

/** Some range of a file, with some of what one may ask of it. */
function randomRequest(path: string, lengthSec: number, random: () => number): DecodeRequest & { range: TimeRange } {
  const startSec = random() * lengthSec;
  const endSec = startSec + 1 + random() * 8;
  const what = random();
  return {
    path,
    range: { startSec, endSec },
    ...(what < 0.7 && { sampled: { ...PICTURE, perSecond: 2 } }),
    ...(random() < 0.3 && { everyPicture: PICTURE }),
    ...(what > 0.3 && { sound: true }),
    ...(random() < 0.2 && { listen: { startSec: Math.max(0, startSec - 20), endSec: endSec + 20 } }),
    ...(random() < 0.3 && { subtitles: true }),
  };
}

/** Compares a range in the middle, which a part of the index must do for, and random ones. */
function compareRanges(path: string, count = 2): void {
  const random = randomFrom(seed);
  const { durationSec } = probe(path);
  const startSec = 0.3 * durationSec;
  const request = {
    path,
    range: { startSec, endSec: startSec + 5 },
    sampled: { ...PICTURE, perSecond: 2 },
    sound: true,
  };
  assert.ok(compare(request), 'the index was cut');
  for (let i = 0; i < count; i++) compare(randomRequest(path, durationSec, random));
}

describe(`a part of an index, seed ${seed}`, { timeout: 300_000 }, () => {
  const shapes: Record<string, () => string> = {
    'as FFmpeg writes it': () => film,
    'index in front': () => remux('front.mp4', [pictures(), sound()], '+faststart'),
    'negative shifts of times': () => remux('shifts.mp4', [pictures(), sound()], '+negative_cts_offsets'),
    QuickTime: () => remux('film.mov', [pictures(), sound()]),
    'sound alone': () => remux('sound.m4a', [sound()]),
    'two tracks of sound': () => remux('two.mp4', [pictures(), sound(), { ...sound(), fromSec: 3 }]),
    'pictures that begin late': () => remux('late.mp4', [{ ...pictures(), delaySec: 3.3 }, sound()]),
    'sound that begins late': () => remux('late-sound.mp4', [pictures(), { ...sound(), delaySec: 2.7 }]),
    'a beginning that is cut off': () =>
      remux('cut.mp4', [
        { ...pictures(), fromSec: 10, delaySec: -4 },
        { ...sound(), fromSec: 10, delaySec: -4 },
      ]),
    'pictures that end early': () => remux('early.mp4', [{ ...pictures(), toSec: 100 }, sound()]),
    'sound that ends early': () => remux('early-sound.mp4', [pictures(), { ...sound(), toSec: 200 }]),
    'places behind 4 GB': () => far('far.mp4'),
  };
  for (const [name, make] of Object.entries(shapes)) {
    test(`${name}: a range is read as by the whole`, () => compareRanges(make()));
  }

  test('pictures that are seconds apart', () => compareRanges(slides));

  test('where nothing behind a range can be decoded, reading goes on to where something can', () => {
    const range = { startSec: 100, endSec: 105 };
    const bytes = readFileSync(film);
    const placeAt = (sec: number) => {
      using input = Demuxer.openSync(film);
      for (const packet of input.packetsSync(0)) {
        if (packet && (Number(packet.dts) * packet.timeBase.num) / packet.timeBase.den >= sec)
          return Number(packet.pos);
      }
      return 0;
    };
    bytes.fill(255, placeAt(104.9), placeAt(150));
    writeFileSync(file('damaged.mp4'), bytes);
    const request = { path: file('damaged.mp4'), range, everyPicture: PICTURE, sound: true };
    assert.ok(compare(request));
  });

  test('damaged indexes are read as by the whole', () => {
    const random = randomFrom(seed);
    const bytes = readFileSync(film);
    const from = bytes.lastIndexOf('moov');
    let cut = 0;
    for (let number = 0; number < DAMAGED; number++) {
      const damaged = Buffer.from(bytes);
      for (let flips = 1 + Math.floor(random() * 3); flips > 0; flips--) {
        damaged[from + Math.floor(random() * (damaged.length - from))]! ^= 1 << Math.floor(random() * 8);
      }
      writeFileSync(file('damaged.mp4'), damaged);
      if (compare(randomRequest(file('damaged.mp4'), FILM_SEC, random))) cut++;
    }
    console.log(`${cut} of ${DAMAGED} were read by a part`);
  });

  if (REAL_MEDIA !== undefined) {
    const odd = join(REAL_MEDIA, 'odd');
    for (const name of readdirSync(odd).filter((name) => /\.(mp4|mov)$/.test(name))) {
      test(`${name}, over and over: a range is read as by the whole`, () => {
        const everySec = Math.ceil(probe(join(odd, name)).durationSec + 1);
        const times = Math.ceil(200 / everySec);
        const looped = loopMedia(file(`looped-${name}`), { of: join(odd, name), times, everySec });
        compare(randomRequest(looped, times * everySec, randomFrom(seed)));
        rmSync(looped);
      });
    }
  }
});
