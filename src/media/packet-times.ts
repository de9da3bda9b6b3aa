import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Packet, Stream } from 'node-av/lib';
import type { TimeRange } from '../domain/time-range.ts';
import { type Container, ratio } from './container.ts';

/** Consecutive packets past a time that confirm it: a single timestamp may be damaged. */
const CONFIRMING_LATE_PACKETS = 3;

/** Tracks the presentation times of a track's packets, decoded or not. */
export class PacketTimes {
  readonly #timeBase: number;
  readonly #startSec: number;
  readonly #usualSec: number;
  #endSec = 0;
  #past = 0;

  /** @param usualSec duration of a packet without one of its own, in seconds */
  constructor({ startSec }: Container, stream: Stream, usualSec = 0) {
    this.#timeBase = ratio(stream.timeBase);
    this.#startSec = startSec;
    this.#usualSec = usualSec;
  }

  /** Presentation time of the next packet, in seconds from the start of the file. */
  next(packet: Packet): TimeRange {
    const stamp = packet.pts === AV_NOPTS_VALUE ? packet.dts : packet.pts;
    const startSec = stamp === AV_NOPTS_VALUE ? this.#endSec : Number(stamp) * this.#timeBase - this.#startSec;
    this.#endSec = startSec + (Number(packet.duration) * this.#timeBase || this.#usualSec);
    return { startSec, endSec: this.#endSec };
  }

  /** True once consecutive packets have passed a time. Call it exactly once per packet. */
  hasPassed(timeSec: number): boolean {
    this.#past = this.#endSec > timeSec ? this.#past + 1 : 0;
    return this.#past >= CONFIRMING_LATE_PACKETS;
  }
}
