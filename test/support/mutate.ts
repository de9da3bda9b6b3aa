/** Length of a file's ends, which get half of the damage because headers and indexes are there. */
const ENDS_BYTES = 4096;

export const MUTATIONS = ['truncated', 'flipped', 'spliced', 'zeroed', 'repeated'] as const;

/** Damages a copy of a file like a faulty disk, network or tool. */
export function mutate(
  how: (typeof MUTATIONS)[number],
  file: Buffer,
  other: Buffer,
  random: () => number,
): Buffer<ArrayBuffer> {
  const below = (limit: number) => Math.floor(random() * limit);
  const place = (length: number) => {
    if (random() < 0.5) return below(length);
    const distance = below(Math.min(ENDS_BYTES, length));
    return random() < 0.7 ? distance : length - 1 - distance;
  };
  const copy = Buffer.from(file);
  switch (how) {
    case 'truncated':
      return copy.subarray(0, place(file.length));
    case 'flipped':
      for (let flips = 1 + below(2 ** below(9)); flips > 0; flips--) copy[place(file.length)]! ^= 1 << below(8);
      return copy;
    case 'spliced':
      return Buffer.concat([copy.subarray(0, place(file.length)), other.subarray(place(other.length))]);
    case 'zeroed':
      for (let blocks = 1 + below(4); blocks > 0; blocks--) {
        const from = place(file.length);
        copy.fill(0, from, Math.min(copy.length, from + 1 + below(8192)));
      }
      return copy;
    case 'repeated': {
      const from = place(file.length);
      const to = from + below(file.length - from);
      return Buffer.concat([copy.subarray(0, to), copy.subarray(from)]);
    }
  }
}
