import { BYTES, HEIGHT, type Rgb, WIDTH } from './picture.ts';
import type { Random } from './random.ts';

/** Changes to all pictures of a film, applied last. */
export interface Finish {
  /** Standard deviation of the grain, in steps of 8 bits. */
  readonly grain: number;
  /** Height of the bars above and below, as a share of the picture. */
  readonly bars: number;
  /**
   * Residue of a changed frame rate or of interlacing: every second line is from the picture before, in all pictures
   * (`fields`) or in two of five (`telecine`); or one of four is a blend with the one before (`blends`).
   */
  readonly residue: 'none' | 'fields' | 'telecine' | 'blends';
}

/** Finishes a picture, given the one before it. */
export function finisher(look: Finish, random: Random): (picture: Rgb, before: Rgb) => Rgb {
  const { bars, residue } = look;
  const nextGrain = grainOf(look, random);
  const bar = Math.round(bars * HEIGHT) * WIDTH * 3;
  let number = 0;
  return (picture, before) => {
    const mixed = withResidue(picture, before, residue, number++);
    const grain = nextGrain();
    const out = new Uint8ClampedArray(BYTES);
    for (let i = bar; i < BYTES - bar; i++) {
      out[i] = mixed[i]! + (grain ? grain[i]! : 0);
    }
    return out;
  };
}

function withResidue(picture: Rgb, before: Rgb, residue: Finish['residue'], number: number): Rgb {
  const isMixed = { none: false, fields: true, telecine: number % 5 > 2, blends: number % 4 === 3 }[residue];
  if (!isMixed) return picture;
  const out = picture.slice();
  if (residue === 'blends') {
    for (let i = 0; i < BYTES; i++) out[i] = (picture[i]! + before[i]!) / 2;
    return out;
  }
  for (let row = 1; row < HEIGHT; row += 2)
    out.set(before.subarray(row * WIDTH * 3, (row + 1) * WIDTH * 3), row * WIDTH * 3);
  return out;
}

/** A field of grain, added at another offset for each picture: as good as new grain, and faster. */
function grainOf({ grain }: Finish, random: Random): () => Int8Array | undefined {
  if (grain === 0) return () => undefined;
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.number())) * Math.cos(2 * Math.PI * random.number());
  const field = Int8Array.from({ length: 3 * BYTES }, () => Math.round(grain * normal()));
  return () => {
    const at = random.whole(0, 2 * BYTES - 1);
    return field.subarray(at, at + BYTES);
  };
}
