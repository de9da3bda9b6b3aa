import { letters, type Take } from './effects.ts';
import { choose, mix, plain } from './picture.ts';
import type { Random } from './random.ts';

/** Place of a card in a film, in pictures. */
interface CardOptions {
  readonly random: Random;
  /** Pictures per second. */
  readonly rate: number;
  /** First picture that is shown without a transition. */
  readonly from: number;
  /** Pictures that are shown without a transition. */
  readonly body: number;
}

/** Lines of text on black, which fade in and out or appear at once. */
export function card({ random, rate, from, body }: CardOptions): Take {
  const [black, written] = [plain(0), choose(plain(0), plain(random.number(140, 250)), letters(random))];
  const [waits, fade] = [random.number(0, 0.3) * body, random.number(0, 0.2) * body];
  const isFaded = random.chance(0.7);
  const length = isFaded ? Math.max(1, Math.min(fade, rate)) : 1;
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
