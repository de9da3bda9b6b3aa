import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Packet, Stream } from 'node-av/lib';
import { ratio } from './container.ts';

/** Forward jump of a timestamp that needs confirmation by later packets, in seconds. */
const DOUBTED_JUMP_SEC = 60;
/** Maximum backward step of timestamps within a track, in seconds: pictures are stored out of order. */
const REORDER_SEC = 1;
/** Number of packets that confirm a jump by continuing from it, including the first. */
const CONFIRMING_PACKETS = 3;
/** Maximum jump of the last packets, which nothing can confirm, in seconds. */
const MAX_LAST_JUMP_SEC = 600;

/**
 * Measures the end time of a track's packets. Absurd timestamps are ignored: a packet with one, and those that a muxer
 * clamped to the same time, follow the previous packet.
 */
export class TrackExtent {
  readonly #timeBase: number;
  readonly #startSec: number;
  readonly #fromSec: number;
  /** Packets after an unconfirmed jump. */
  #doubted: { readonly startSec: number; readonly endSec: number }[] = [];
  #endSec = 0;
  #lastSec: number | undefined;
  /** Number of packets. */
  count = 0;
  /** Longest time between two packets, in seconds. */
  longestStepSec = 0;

  /**
   * @param startSec timestamp of the start of the file, in seconds
   * @param fromSec where reading starts, in seconds from the start of the file
   */
  constructor(stream: Pick<Stream, 'timeBase'>, startSec: number, fromSec: number) {
    this.#timeBase = ratio(stream.timeBase);
    this.#startSec = startSec;
    this.#fromSec = fromSec;
  }

  read(packet: Pick<Packet, 'pts' | 'dts' | 'duration'>): void {
    this.count++;
    const stamp = packet.pts === AV_NOPTS_VALUE ? packet.dts : packet.pts;
    // Raw streams have no timestamps: each packet follows the previous one.
    const startSec = stamp === AV_NOPTS_VALUE ? this.#endSec : Number(stamp) * this.#timeBase - this.#startSec;
    const endSec = startSec + Number(packet.duration) * this.#timeBase;
    if (this.#continuesDoubted(startSec)) {
      this.#doubted.push({ startSec, endSec });
      const isConfirmed = this.#doubted.length >= CONFIRMING_PACKETS && startSec > this.#doubted[0]!.startSec;
      if (isConfirmed) this.#resolve(true);
    } else {
      this.#resolve(false);
      if (startSec > (this.#lastSec === undefined ? this.#fromSec : this.#endSec) + DOUBTED_JUMP_SEC)
        this.#doubted = [{ startSec, endSec }];
      else this.#accept(startSec, endSec);
    }
  }

  /** Ends the measurement. @returns the end of the last packet, in seconds from the start of the file; 0 without packets */
  end(): number {
    this.#resolve(this.#doubted.every(({ startSec }) => startSec <= this.#endSec + MAX_LAST_JUMP_SEC));
    return this.#endSec;
  }

  /** True if the end depends on an unconfirmed jump. */
  get isDoubtful(): boolean {
    return this.#doubted.length > 0;
  }

  #continuesDoubted(startSec: number): boolean {
    const [first] = this.#doubted;
    return first !== undefined && startSec >= first.startSec - REORDER_SEC;
  }

  #resolve(isBelieved: boolean): void {
    for (const { startSec, endSec } of this.#doubted) {
      if (isBelieved) this.#accept(startSec, endSec);
      else this.#endSec += endSec - startSec;
    }
    this.#doubted = [];
  }

  #accept(startSec: number, endSec: number): void {
    if (this.#lastSec !== undefined) this.longestStepSec = Math.max(this.longestStepSec, startSec - this.#lastSec);
    this.#lastSec = startSec;
    this.#endSec = Math.max(this.#endSec, endSec);
  }
}
