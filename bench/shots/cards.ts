import { letters, type Take } from './effects.ts';
import type { TakeOptions } from './film.ts';
import { choose, mix, plain } from './picture.ts';

/** Lines of text on black, which fade in and out or appear at once. */
export function card({ random, body, from, look }: TakeOptions): Take {
  const [black, written] = [plain(0), choose(plain(0), plain(random.number(140, 250)), letters(random))];
  const [waits, fade] = [random.number(0, 0.3) * body, random.number(0, 0.2) * body];
  const isFaded = random.chance(0.7);
  const length = isFaded ? Math.max(1, Math.min(fade, look.rate)) : 1;
  return {
    effect: 'nothing',
    appears: Math.ceil(waits + length),
    goes: Math.ceil(length),
    picture(i) {
      const share = Math.min((i - from - waits + 1) / length, (from + body - i) / length, 1);
      return share <= 0 ? black : mix(black, written, share);
    },
  };
}
