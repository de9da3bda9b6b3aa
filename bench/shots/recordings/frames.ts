import type { Film } from '../film.ts';
import type { Rgb } from '../picture.ts';
import type { Random } from '../random.ts';
import { type Box, drawn, HEIGHT, paste, rect, text, WIDTH } from './canvas.ts';
import { phrase, type Theme } from './material.ts';

/** Puts a film into a box, with still surroundings or with a clock that counts the seconds. */
export async function framed(
  film: Film,
  rate: number,
  box: Box,
  surround: string,
  clock: ((sec: number) => string) | undefined,
): Promise<() => AsyncGenerator<Rgb>> {
  const still = await drawn(surround);
  return async function* () {
    let number = 0;
    let clockFace: Rgb = still;
    for (const picture of film.pictures()) {
      if (clock && number % rate === 0) clockFace = await drawn(surround + clock(number / rate));
      const out = clockFace.slice();
      paste(out, picture, box);
      number++;
      yield out;
    }
  };
}

/** A box near the middle, of about the picture's shape. @param share of the picture's area */
export function boxOf(random: Random, share: number): Box {
  const side = Math.sqrt(share);
  const shape = random.number(0.9, 1.1);
  const width = Math.min(WIDTH, Math.round(WIDTH * side * shape));
  const height = Math.min(HEIGHT, Math.round((WIDTH * HEIGHT * share) / width));
  return {
    left: Math.round((WIDTH - width) * random.number(0.2, 0.8)),
    top: Math.round((HEIGHT - height) * random.number(0.2, 0.8)),
    ...{ width, height },
  };
}

/** SVG elements of a clock in the upper right corner, at a time in seconds. */
export function clockFace(sec: number): string {
  const time = `12:${10 + Math.floor(sec / 60)}:${`${sec % 60}`.padStart(2, '0')}`;
  return `<text x="560" y="28" font-size="16" fill="#ffffff" font-family="DejaVu Sans">${time}</text>`;
}

export type Surround = 'news' | 'lines' | 'plain' | 'texture' | 'shelf';

/** SVG elements of the surroundings. */
export function surroundOf(random: Random, kind: Surround, theme: Theme, words: readonly string[]): string {
  const whole = { left: 0, top: 0, width: WIDTH, height: HEIGHT };
  if (kind === 'plain') return rect(whole, random.pick(['#10243f', '#3d1f2b', '#dfe3e8', '#ffffff', '#1a1a1a']));
  if (kind === 'news') {
    return (
      theme.background +
      rect({ left: 0, top: 316, width: WIDTH, height: 30 }, '#b71c1c') +
      text(12, 337, 15, '#ffffff', 'DejaVu Sans', `LIVE  ${phrase(random, words, 4, 7)}`) +
      text(12, 26, 16, theme.title, theme.font, phrase(random, words, 2, 4))
    );
  }
  if (kind === 'lines') {
    const lines = Array.from(
      { length: 40 },
      (_, i) =>
        `<path d="M320 180 L${((i * 97) % 900) - 130} ${i % 2 ? -20 : 380}" stroke="${theme.accent}" stroke-width="2"/>`,
    );
    return rect(whole, random.pick(['#14285a', '#2d0f3a', '#0d3325'])) + lines.join('');
  }
  const pieces = Array.from({ length: 220 }, () => {
    const shade = random.whole(30, 200);
    const piece = {
      left: random.whole(-20, WIDTH),
      top: random.whole(-20, HEIGHT),
      width: random.whole(6, 60),
      height: random.whole(6, 60),
    };
    const colour =
      kind === 'texture'
        ? `rgb(${shade},${Math.round(shade * 0.7)},${Math.round(shade * 0.45)})`
        : `hsl(${random.whole(0, 360)},45%,${random.whole(15, 70)}%)`;
    return rect(piece, colour, 'opacity="0.7"');
  });
  return rect(whole, '#6b4a2f') + pieces.join('');
}
