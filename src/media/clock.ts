import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Packet } from 'node-av/lib';
import { type Container, ratio } from './container.ts';
import type { ClockMap } from './info.ts';

/** How often the clock notes where reading can start, in seconds. */
const MARK_INTERVAL_SEC = 10;
/** Timestamps that fall back further than this start over: inside a part they are only out of order. Seconds. */
const RESET_BACKSTEP_SEC = 1;
/** A hole longer than this is none: nobody recorded nothing for so long, so the timestamps start over. Seconds. */
const RESET_GAP_SEC = 60;

/**
 * Follows the timestamps of a file's packets, in the order of the file, and finds where they start over, as they do
 * where recordings were joined byte by byte. There the parts are put one behind the other.
 */
export class ClockReader {
  readonly #startSec: number;
  readonly #timeBases: readonly number[];
  readonly #parts: { fromByte: number; addSec: number }[] = [{ fromByte: 0, addSec: 0 }];
  readonly #marks: { byte: number; sec: number }[] = [];
  /** When the last packet of each track begins, after the mapping. */
  readonly #last = new Map<number, number>();
  #position = 0;
  /** Seconds from the start of the file; when what was read ends. */
  endSec = 0;

  constructor(container: Container) {
    this.#startSec = container.startSec;
    this.#timeBases = timeBasesOf(container);
  }

  /** @param isEntry whether decoding can start with this packet */
  read(packet: Packet, isEntry: boolean): void {
    this.#position = packet.pos >= 0n ? Number(packet.pos) : this.#position;
    const stamp = packet.dts === AV_NOPTS_VALUE ? packet.pts : packet.dts;
    if (stamp === AV_NOPTS_VALUE) return;
    const timeBase = this.#timeBases[packet.streamIndex]!;
    const rawSec = Number(stamp) * timeBase - this.#startSec;
    const last = this.#last.get(packet.streamIndex);
    const step = last === undefined ? 0 : rawSec + partAt(this.#parts, this.#position).addSec - last;
    // While another track goes on, a picture that stands for long is no hole.
    const isResetGap = step > RESET_GAP_SEC && step > RESET_GAP_SEC + this.endSec - last!;
    if (step < -RESET_BACKSTEP_SEC || isResetGap) {
      this.#parts.push({ fromByte: this.#position, addSec: this.endSec - rawSec });
    }
    const { addSec } = partAt(this.#parts, this.#position);
    const sec = rawSec + addSec;
    this.#last.set(packet.streamIndex, sec);
    const shownSec = packet.pts === AV_NOPTS_VALUE ? sec : Number(packet.pts) * timeBase - this.#startSec + addSec;
    this.endSec = Math.max(this.endSec, shownSec + Number(packet.duration) * timeBase);
    if (
      isEntry &&
      packet.pos >= 0n &&
      sec >= (this.#marks.at(-1)?.sec ?? Number.NEGATIVE_INFINITY) + MARK_INTERVAL_SEC
    ) {
      this.#marks.push({ byte: this.#position, sec });
    }
  }

  /** Nothing for a file whose timestamps go on from start to end. */
  get map(): ClockMap | undefined {
    return this.#parts.length > 1 ? { parts: this.#parts, marks: this.#marks } : undefined;
  }
}

/** Brings the timestamps of a file that start over into one line. */
export class Clock {
  readonly #map: ClockMap;
  readonly #timeBases: readonly number[];
  #position = 0;

  constructor(map: ClockMap, container: Container) {
    this.#map = map;
    this.#timeBases = timeBasesOf(container);
  }

  /** The place in the file from which a moment can be decoded. */
  byteBefore(timeSec: number): number {
    return this.#map.marks.findLast(({ sec }) => sec <= timeSec)?.byte ?? 0;
  }

  apply(packet: Packet): void {
    this.#position = packet.pos >= 0n ? Number(packet.pos) : this.#position;
    const { addSec } = partAt(this.#map.parts, this.#position);
    const add = BigInt(Math.round(addSec / this.#timeBases[packet.streamIndex]!));
    if (packet.pts !== AV_NOPTS_VALUE) packet.pts += add;
    if (packet.dts !== AV_NOPTS_VALUE) packet.dts += add;
  }
}

function partAt(parts: ClockMap['parts'], byte: number): ClockMap['parts'][number] {
  return parts.findLast(({ fromByte }) => fromByte <= byte) ?? parts[0]!;
}

function timeBasesOf({ context }: Container): number[] {
  return context.streams.map((stream) => ratio(stream.timeBase));
}
