import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Packet, Stream } from 'node-av/lib';
import { ratio } from './container.ts';

/** A timestamp that lies further ahead of its track than this is doubted. Seconds. */
const DOUBTED_JUMP_SEC = 60;
/** Inside a track timestamps may fall back this far, because pictures are stored out of order. Seconds. */
const REORDER_SEC = 1;
/** A doubted timestamp is believed when so many packets, itself included, go on from it in time. */
const CONFIRMING_PACKETS = 3;
/** At the end of a file nothing follows that could confirm: a last packet is believed up to this far ahead. Seconds. */
const MAX_LAST_JUMP_SEC = 600;

/**
 * Measures how far the packets of one track reach. Absurd timestamps do not count: a packet that has one, and those that
 * a muxer then held at the same time, follow the packet before.
 */
export class TrackExtent {
  readonly #timeBase: number;
  readonly #startSec: number;
  readonly #fromSec: number;
  /** Packets that lie far ahead of the others, and are not confirmed yet. */
  #doubted: { readonly startSec: number; readonly endSec: number }[] = [];
  #endSec = 0;
  #lastSec: number | undefined;
  /** Packets that were read. */
  count = 0;
  /** Longest time from one packet to the next. Seconds. */
  longestStepSec = 0;

  /**
   * @param startSec timestamp that times are counted from, in seconds
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
    // Raw streams have no timestamps: there one packet follows the other.
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

  /** No packet follows. @returns where the last one ends, in seconds from the start of the file; 0 without packets */
  end(): number {
    this.#resolve(this.#doubted.every(({ startSec }) => startSec <= this.#endSec + MAX_LAST_JUMP_SEC));
    return this.#endSec;
  }

  /** True where the end rests on timestamps that nothing confirms. */
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
