import type { Rgb } from '../picture.ts';
import type { Random } from '../random.ts';
import { type Box, blend, copy, drawn, HEIGHT, pointer, rect, text, WIDTH } from './canvas.ts';
import { phrase, type Theme } from './material.ts';
import { Reel } from './reel.ts';

export interface ScreenOptions {
  readonly random: Random;
  readonly words: readonly string[];
  readonly theme: Theme;
  readonly rate: number;
  readonly durationSec: number;
  readonly app: 'code' | 'article' | 'terminal';
}

/** Height of a document, in pixels. A window shows part of it. */
const DOCUMENT_HEIGHT = 2400;

/** A window: its still surroundings, a document, and the pane in which part of the document shows. */
interface Window {
  readonly chrome: Rgb;
  readonly document: Rgb;
  readonly pane: Box;
}

/**
 * Makes a screen recording. Boundaries: another document, and another window. Distractions: scrolling in steps or smoothly,
 * typing, dialogs, and the pointer.
 */
export async function screenRecording(options: ScreenOptions): Promise<Reel> {
  const { random, rate, durationSec } = options;
  const reel = new Reel(rate);
  let window = await openWindow(options);
  let down = 0;
  let [x, y] = [320, 180];
  const screen = (at: number) => {
    const out = window.chrome.slice();
    copy(out, window.document, window.pane, Math.round(at) - window.pane.top);
    return out;
  };
  const withPointer = (picture: Rgb, px = x, py = y) => {
    const out = picture.slice();
    pointer(out, px, py);
    return out;
  };
  const still = (sec: number) => {
    const picture = withPointer(screen(down));
    reel.add(sec, () => picture);
  };
  const most = () => DOCUMENT_HEIGHT - window.pane.height - 1;
  const events: Record<string, () => void | Promise<void>> = {
    move() {
      const [toX, toY] = [random.number(20, 600), random.number(30, 340)];
      const [fromX, fromY] = [x, y];
      const picture = screen(down);
      const sec = random.number(0.3, 1.2);
      reel.distract('pointer', sec, (i) => {
        const share = Math.min(1, i / (sec * rate));
        return withPointer(picture, fromX + (toX - fromX) * share, fromY + (toY - fromY) * share);
      });
      [x, y] = [toX, toY];
    },
    wheel() {
      const sign = random.chance(0.7) ? 1 : -1;
      const notch = random.pick([30, 45, 60]);
      for (let k = random.whole(1, 8); k > 0; k--) {
        down = Math.min(most(), Math.max(0, down + sign * notch));
        const picture = withPointer(screen(down));
        reel.distract('scrolling', random.number(0.06, 0.3), () => picture);
      }
    },
    smooth() {
      const [from, sec] = [down, random.number(0.3, 1.5)];
      const to = Math.min(most(), Math.max(0, down + random.number(-300, 500)));
      const seen = window;
      reel.distract('scrolling', sec, (i) => {
        const share = Math.min(1, (i + 1) / (sec * rate));
        const out = seen.chrome.slice();
        copy(
          out,
          seen.document,
          seen.pane,
          Math.round(from + (to - from) * share * share * (3 - 2 * share)) - seen.pane.top,
        );
        return withPointer(out, 300, 200);
      });
      down = to;
      [x, y] = [300, 200];
    },
    type() {
      const top = window.pane.top + 20 + 18 * random.whole(2, 10);
      const picture = withPointer(screen(down));
      const letters = random.whole(10, 40);
      reel.distract('typing', letters / 10, (i) => {
        const out = picture.slice();
        const written = Math.floor((i / rate) * 10);
        for (let k = 0; k < written; k++) {
          for (let row = 0; row < 9; row++) {
            for (let column = 0; column < 4; column++)
              if ((row * 3 + column * 5 + k * 7) % 4 < 2)
                out.fill(
                  128,
                  ((top + row) * WIDTH + 80 + 7 * k + column) * 3,
                  ((top + row) * WIDTH + 81 + 7 * k + column) * 3,
                );
          }
        }
        return out;
      });
    },
    async dialog() {
      const [width, height] = [random.whole(170, 260), random.whole(90, 160)];
      const box = { left: random.whole(60, 560 - width), top: random.whole(40, 320 - height), width, height };
      const picture = withPointer(
        random.chance(0.4) ? blend(screen(down), new Uint8ClampedArray(WIDTH * HEIGHT * 3), 0.45) : screen(down),
      );
      const { words, theme } = options;
      const face = await drawn(
        rect(box, '#f0f0f0', 'stroke="#555"') +
          text(box.left + 14, box.top + 30, 13, '#222', theme.font, phrase(random, words, 2, 3)) +
          text(box.left + 14, box.top + 54, 11, '#444', theme.font, phrase(random, words, 2, 4)) +
          rect({ left: box.left + width - 70, top: box.top + height - 30, width: 56, height: 20 }, theme.accent),
      );
      copy(picture, face, box);
      reel.distract('dialog', random.number(1.2, 3), () => picture);
    },
    async document() {
      reel.cut();
      window = { ...window, document: await drawDocument(options, window.pane) };
      down = random.chance(0.5) ? 0 : random.whole(0, most());
    },
    async window() {
      reel.cut();
      window = await openWindow(options);
      down = 0;
    },
  };
  const names = [
    'move',
    'wheel',
    'smooth',
    'type',
    'move',
    'wheel',
    'smooth',
    'dialog',
    'document',
    'window',
    'document',
  ];
  still(2);
  while (reel.durationSec < durationSec) {
    await events[random.pick(names)]!();
    still(random.number(1.5, 4));
  }
  return reel;
}

async function openWindow(options: ScreenOptions): Promise<Window> {
  const { random, theme, words, app } = options;
  const isSplit = random.chance(0.4);
  const pane = { left: isSplit ? 130 : 12, top: random.whole(36, 60), width: isSplit ? 500 : 616, height: 290 };
  let frame = rect(
    { left: 0, top: 0, width: WIDTH, height: HEIGHT },
    random.pick(['#d8dadd', '#2b2d31', '#eceff4', '#3b4252']),
  );
  frame += rect({ left: 0, top: 0, width: WIDTH, height: 24 }, random.pick(['#44546a', '#202225', theme.accent]));
  for (let k = 0; k < 4; k++) frame += text(16 + 120 * k, 17, 11, '#bbbbbb', theme.font, random.pick(words));
  if (isSplit)
    for (let k = 0; k < 14; k++)
      frame += text(8 + 8 * random.whole(0, 2), 60 + 19 * k, 10, '#888888', theme.font, random.pick(words));
  frame += text(
    10,
    354,
    9,
    '#888888',
    app === 'article' ? theme.font : 'DejaVu Sans Mono',
    phrase(random, words, 3, 6),
  );
  return { chrome: await drawn(frame), document: await drawDocument(options, pane), pane };
}

async function drawDocument({ random, words, app, theme }: ScreenOptions, pane: Box): Promise<Rgb> {
  const isDark = app === 'terminal' || random.chance(0.4);
  let out = rect(
    { left: 0, top: 0, width: WIDTH, height: DOCUMENT_HEIGHT },
    isDark ? random.pick(['#1e1e1e', '#0c0c14']) : '#ffffff',
  );
  const ink = isDark ? ['#d4d4d4', '#569cd6', '#ce9178', '#6a9955'] : ['#222222', '#0000aa', '#a31515', '#117722'];
  const size = random.pick([10, 11, 13]);
  const step = Math.round(size * 1.5);
  let indent = 0;
  for (let y = step; y < DOCUMENT_HEIGHT; y += step) {
    if (app === 'article') {
      if (random.chance(0.06)) {
        y += step;
        out += text(
          pane.left + 30,
          y + size,
          size * 2,
          ink[0]!,
          theme.font,
          phrase(random, words, 2, 4),
          'font-weight="bold"',
        );
        y += 2 * step;
      } else if (random.chance(0.03)) {
        const height = random.whole(80, 160);
        out += rect(
          { left: pane.left + 60, top: y, width: random.whole(150, 380), height },
          random.pick(['#7fa8c9', '#c97f7f', '#8fb98f']),
        );
        y += height + step;
      }
      const most = Math.floor((pane.width - 60) / (size * 4));
      out += text(pane.left + 30, y, size, ink[0]!, theme.font, phrase(random, words, Math.max(2, most - 3), most));
      continue;
    }
    if (random.chance(0.12)) continue;
    indent = Math.max(0, Math.min(5, indent + random.whole(-1, 1)));
    const line =
      app === 'code'
        ? `${phrase(random, words, 1, 6)}${random.pick([';', ' {', '(', ' =>', ','])}`
        : `$ ${phrase(random, words, 2, 9)}`;
    out += text(
      pane.left + 12 + (app === 'code' ? indent * 16 : 0),
      y,
      size,
      random.pick(ink),
      'DejaVu Sans Mono',
      line,
    );
  }
  return drawn(out, DOCUMENT_HEIGHT);
}
