import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Packet } from 'node-av/lib';
import { type Container, ratio } from './container.ts';
import type { ClockMap } from './info.ts';

/** Minimum distance of entry points in the clock map, in seconds. */
const MARK_INTERVAL_SEC = 10;
/** Backward step of timestamps that counts as a restart, in seconds. Smaller ones are reordered pictures. */
const RESET_BACKSTEP_SEC = 1;
/** Forward step of timestamps that counts as a restart, in seconds. Real gaps in a recording are shorter. */
const RESET_GAP_SEC = 60;

/**
 * Detects timestamp restarts in the packets of a file, in file order. They occur where recordings were concatenated byte by
 * byte. The parts are placed one after the other on one timeline.
 */
export class ClockReader {
  readonly #startSec: number;
  readonly #timeBases: readonly number[];
  readonly #parts: { fromByte: number; addSec: number }[] = [{ fromByte: 0, addSec: 0 }];
  readonly #marks: { byte: number; sec: number }[] = [];
  /** Start of each track's last packet after the mapping, in seconds, by stream index. */
  readonly #last = new Map<number, number>();
  #position = 0;
  /** End of the packets so far, in seconds from the start of the file. */
  endSec = 0;

  constructor(container: Container) {
    this.#startSec = container.startSec;
    this.#timeBases = timeBasesOf(container);
  }

  /** @param isEntry true if decoding can start with this packet */
  read(packet: Packet, isEntry: boolean): void {
    this.#position = packet.pos >= 0n ? Number(packet.pos) : this.#position;
    const stamp = packet.dts === AV_NOPTS_VALUE ? packet.pts : packet.dts;
    if (stamp === AV_NOPTS_VALUE) return;
    const timeBase = this.#timeBases[packet.streamIndex]!;
    const rawSec = Number(stamp) * timeBase - this.#startSec;
    const last = this.#last.get(packet.streamIndex);
    const step = last === undefined ? 0 : rawSec + partAt(this.#parts, this.#position).addSec - last;
    // While another track continues, a long picture is not a restart.
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

  /** The map; undefined for a file without restarts. */
  get map(): ClockMap | undefined {
    return this.#parts.length > 1 ? { parts: this.#parts, marks: this.#marks } : undefined;
  }
}

/** Maps the timestamps of a file with restarts to one timeline. */
export class Clock {
  readonly #map: ClockMap;
  readonly #timeBases: readonly number[];
  #position = 0;

  constructor(map: ClockMap, container: Container) {
    this.#map = map;
    this.#timeBases = timeBasesOf(container);
  }

  /** Byte position of the last entry point at or before a time. */
  byteBefore(timeSec: number): number {
    return this.#map.marks.findLast(({ sec }) => sec <= timeSec)?.byte ?? 0;
  }

  /** Maps the timestamps of a packet in place. Packets come in file order. */
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
