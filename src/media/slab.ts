/** Size of a block: large enough for glibc to map and unmap it separately. */
const BLOCK_BYTES = 512 * 1024;
/** Maximum size of a piece in a shared block. Larger pieces get a block of their own. */
const MAX_PIECE_BYTES = BLOCK_BYTES / 8;
/** Alignment of pieces, enough for every typed array. */
const ALIGNMENT_BYTES = 8;

/**
 * Slab allocator for thousands of small arrays with similar lifetimes, such as the pictures of one track. Arrays share
 * blocks, and a block is freed with its last array. Separate allocations would fragment the heap between longer-lived
 * objects, so that the process grows over hours.
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
