/** Regroups content into blocks of exactly `bytes` bytes, and a last block with the rest, which may be empty. */
export async function* inBlocks(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  for await (let piece of content) {
    while (size + piece.length >= bytes) {
      const cut = bytes - size;
      yield Buffer.concat([...pieces, piece.subarray(0, cut)], bytes);
      piece = piece.subarray(cut);
      pieces = [];
      size = 0;
    }
    pieces.push(piece);
    size += piece.length;
  }
  yield Buffer.concat(pieces, size);
}
