import type { Film } from '../film.ts';
import { BYTES, type Rgb } from '../picture.ts';
import type { Random } from '../random.ts';

/** Stage lighting: flashes over the scene, flashes in the dark, or alternating lamps of two colours. */
export interface Strobe {
  readonly kind: 'flash' | 'dark' | 'colours';
  /** Frequency of the flashes. */
  readonly hertz: number;
  /** Share of each period in which the light is on. */
  readonly duty: number;
  /** Factor of the luma in the light. */
  readonly gain: number;
}

/** Puts a film under a strobe that pauses four times for three seconds. */
export function underStrobe(film: Film, rate: number, { kind, hertz, duty, gain }: Strobe, random: Random): Film {
  const colours = [
    [1.1, 0.25, 0.4],
    [0.3, 0.5, 1.2],
  ].map((colour) => colour.map((value) => value * random.number(0.8, 1.2)));
  const pauses = Array.from({ length: 4 }, () => random.number(0, 60));
  const drift = random.number(-0.05, 0.05);
  return {
    ...film,
    *pictures() {
      let number = 0;
      for (const picture of film.pictures()) {
        const sec = number++ / rate;
        const isPaused = pauses.some((pause) => sec >= pause && sec < pause + 3);
        const isOn = !isPaused && (sec * (hertz + drift)) % 1 < duty;
        if (kind === 'colours') yield tinted(picture, isPaused ? [1, 1, 1] : colours[isOn ? 1 : 0]!);
        else if (kind === 'flash') yield isOn ? tinted(picture, [gain, gain, gain]) : picture;
        else yield isOn ? picture : tinted(picture, [1 / gain, 1 / gain, 1 / gain]);
      }
    },
  };
}

function tinted(picture: Rgb, [red, green, blue]: readonly number[]): Rgb {
  const out = new Uint8ClampedArray(BYTES);
  for (let i = 0; i < BYTES; i += 3) {
    out[i] = picture[i]! * red!;
    out[i + 1] = picture[i + 1]! * green!;
    out[i + 2] = picture[i + 2]! * blue!;
  }
  return out;
}
