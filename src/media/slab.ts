/** Size of a block: large enough that glibc maps and unmaps it by itself. Bytes. */
const BLOCK_BYTES = 512 * 1024;
/** Larger pieces get memory of their own. */
const MAX_PIECE_BYTES = BLOCK_BYTES / 8;
/** Pieces begin where any typed array may. */
const ALIGNMENT_BYTES = 8;

/**
 * Memory for thousands of small pieces that come and go in about the same order, such as the pictures of one track: many
 * to a block, which is let go of with the last of them. One by one they would come to lie between what stays for longer,
 * and leave holes in the heap when they go, so that a process grows over hours.
 */
export class Slab {
  #block = new ArrayBuffer(0);
  #used = 0;

  /** @returns room for `length` values, all 0 */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const offset = this.#take(length);
    return new Uint8Array(this.#block, offset, length);
  }

  /** @returns room for `length` values, all 0 */
  shorts(length: number): Int16Array<ArrayBuffer> {
    const offset = this.#take(length * Int16Array.BYTES_PER_ELEMENT);
    return new Int16Array(this.#block, offset, length);
  }

  #take(bytes: number): number {
    const offset = Math.ceil(this.#used / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    if (offset + bytes <= this.#block.byteLength) {
      this.#used = offset + bytes;
      return offset;
    }
    this.#block = new ArrayBuffer(bytes > MAX_PIECE_BYTES ? bytes : BLOCK_BYTES);
    this.#used = bytes;
    return 0;
  }
}
