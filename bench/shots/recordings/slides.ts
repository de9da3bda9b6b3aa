import type { Rgb } from '../picture.ts';
import type { Random } from '../random.ts';
import type { Shot } from '../sources.ts';
import { type Box, blend, drawn, HEIGHT, laser, paste, pointer, rect, text, WIDTH } from './canvas.ts';
import { type Footage, played } from './footage.ts';
import { phrase, type Theme } from './material.ts';
import { Reel } from './reel.ts';

export interface SlideOptions {
  readonly random: Random;
  readonly theme: Theme;
  readonly words: readonly string[];
  readonly shots: readonly Shot[];
  readonly rate: number;
  readonly durationSec: number;
  /** The speaker's camera, in a corner. */
  readonly inset: Footage | undefined;
  /** Share of slides that replace the one before in a dissolve. */
  readonly dissolves: number;
  readonly pointing: 'mouse' | 'laser' | 'none';
  readonly layouts: readonly Layout[];
}

export type Layout = 'bullets' | 'columns' | 'bar chart' | 'line chart' | 'pie chart' | 'photo' | 'section' | 'table';

/** Makes a slide deck. Boundaries: the next slide. Distractions: lines that are added to a slide, and pointers. */
export async function slideDeck(options: SlideOptions): Promise<Reel> {
  const { random, rate, durationSec, inset, dissolves, pointing } = options;
  const reel = new Reel(rate);
  const corner = insetBox(random);
  let shown: Rgb | undefined;
  while (reel.durationSec < durationSec) {
    const steps = await slideSteps(options);
    for (const [number, step] of steps.entries()) {
      const sec = steps.length > 1 ? random.number(1, 2.6) : random.number(3.5, 9);
      const before = shown;
      const withInset = (picture: Rgb, start: number) => (i: number) => {
        if (!inset) return picture;
        const out = picture.slice();
        paste(out, inset((start + i) / rate), corner);
        return out;
      };
      if (number === 0 && before && random.chance(dissolves)) {
        const start = reel.end;
        reel.dissolve(random.number(0.25, 0.9), (share) => withInset(blend(before, step, share), start)(share * rate));
      } else if (number === 0) reel.cut();
      const path = random.chance(0.6) ? pointerPath(random) : undefined;
      const start = reel.end;
      const picture = withInset(step, start);
      if (path && pointing !== 'none') {
        const mark = pointing === 'mouse' ? pointer : laser;
        reel.distract('pointer', sec, (i) => {
          const out = picture(i).slice();
          mark(out, ...path(i / rate));
          return out;
        });
      } else if (number > 0) reel.distract('build-up', sec, picture);
      else reel.add(sec, picture);
      shown = step;
    }
  }
  return reel;
}

function insetBox(random: Random): Box {
  const width = random.whole(110, 170);
  const height = Math.round((width * 9) / 16);
  return {
    left: random.chance(0.8) ? WIDTH - width - 8 : 8,
    top: HEIGHT - height - 8,
    ...{ width, height },
  };
}

/** Position of a pointer at a time in seconds. */
function pointerPath(random: Random): (sec: number) => [number, number] {
  const points = Array.from({ length: 4 }, () => [random.number(40, 600), random.number(60, 330)] as const);
  return (sec) => {
    const leg = Math.min(points.length - 2, Math.floor(sec / 1.2));
    const share = Math.min(1, Math.max(0, (sec - leg * 1.2) / 0.5));
    const [from, to] = [points[leg]!, points[leg + 1]!];
    return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
  };
}

/** The pictures of one slide: complete, or built up line by line. */
async function slideSteps({ random, theme, words, shots, layouts }: SlideOptions): Promise<Rgb[]> {
  const layout = random.pick(layouts);
  if (layout === 'section') return [await drawn(theme.background + sectionTitle(random, theme, words))];
  const title = text(
    theme.left,
    theme.titleY,
    22,
    theme.title,
    theme.font,
    phrase(random, words, 2, 4),
    'font-weight="bold"',
  );
  const parts = {
    bullets: () => bullets(random, theme, words, theme.left, 560),
    columns: () => [...bullets(random, theme, words, theme.left, 250), ...bullets(random, theme, words, 340, 250)],
    'bar chart': () => [chart(random, theme, words, 'bar'), caption(random, theme, words)],
    'line chart': () => [chart(random, theme, words, 'line'), caption(random, theme, words)],
    'pie chart': () => [chart(random, theme, words, 'pie'), ...bullets(random, theme, words, 350, 250).slice(0, 3)],
    photo: () => bullets(random, theme, words, theme.left, 230),
    table: () => [table(random, theme, words)],
  }[layout]();
  const isBuilt = random.chance(0.45);
  const stages = isBuilt ? parts.map((_, i) => parts.slice(0, i + 1).join('')) : [parts.join('')];
  const pictures = await Promise.all(stages.map((stage) => drawn(theme.background + title + stage)));
  if (layout === 'photo') {
    const photo = played(random.pick(shots))(0);
    for (const picture of pictures) paste(picture, photo, { left: 320, top: 90, width: 280, height: 210 });
  }
  return pictures;
}

function sectionTitle(random: Random, theme: Theme, words: readonly string[]): string {
  const lines = Array.from({ length: random.whole(1, 3) }, () => phrase(random, words, 2, 3));
  return lines
    .map((line, i) => text(theme.left + 20, 160 + 44 * i, 36, i === 0 ? theme.accent : theme.ink, theme.font, line))
    .join('');
}

function bullets(random: Random, theme: Theme, words: readonly string[], left: number, width: number): string[] {
  const size = random.pick([13, 15, 17, 20]);
  const count = random.whole(3, Math.floor(230 / (size * 2)));
  const most = Math.max(2, Math.floor(width / (size * 4.6)));
  return Array.from({ length: count }, (_, i) => {
    const y = 95 + size * 2 * i;
    const mark = `<circle cx="${left + 4}" cy="${y - size / 3}" r="${size / 5}" fill="${theme.accent}"/>`;
    return mark + text(left + 18, y, size, theme.ink, theme.font, phrase(random, words, Math.max(1, most - 4), most));
  });
}

function caption(random: Random, theme: Theme, words: readonly string[]): string {
  return text(theme.left, 318, 12, theme.ink, theme.font, phrase(random, words, 5, 9));
}

function chart(random: Random, theme: Theme, words: readonly string[], kind: 'bar' | 'line' | 'pie'): string {
  if (kind === 'pie') return pie(random, theme);
  const [left, bottom, width, height] = [theme.left + 20, 280, 520, 180];
  const axes =
    rect({ left, top: bottom, width, height: 2 }, theme.ink) +
    rect({ left, top: bottom - height, width: 2, height }, theme.ink);
  const count = random.whole(4, 10);
  const values = Array.from({ length: count }, () => random.number(0.1, 1) * height);
  const at = (i: number) => left + ((i + 0.5) * width) / count;
  const labels = values.map((_, i) =>
    text(at(i) - 14, bottom + 16, 9, theme.ink, theme.font, random.pick(words).slice(0, 6)),
  );
  const marks =
    kind === 'bar'
      ? values.map((value, i) =>
          rect(
            { left: at(i) - 14, top: bottom - value, width: 28, height: value },
            i % 2 ? theme.accent : theme.title === '#ffffff' ? theme.ink : theme.title,
          ),
        )
      : [
          `<polyline fill="none" stroke="${theme.accent}" stroke-width="4" points="${values.map((value, i) => `${at(i)},${bottom - value}`).join(' ')}"/>`,
        ];
  return axes + labels.join('') + marks.join('');
}

function pie(random: Random, theme: Theme): string {
  let angle = random.number(0, 6.28);
  const colours = [theme.accent, theme.ink, '#7a7a7a', theme.title, '#4a90a4', '#b0623a'];
  const [x, y, radius] = [190, 200, 95];
  return Array.from({ length: random.whole(3, 6) }, (_, i) => {
    const next = angle + random.number(0.5, 1.8);
    const at = (a: number) => `${x + radius * Math.cos(a)} ${y + radius * Math.sin(a)}`;
    const slice = `<path fill="${colours[i]}" d="M${x} ${y} L${at(angle)} A${radius} ${radius} 0 0 1 ${at(next)} Z"/>`;
    angle = next;
    return slice;
  }).join('');
}

function table(random: Random, theme: Theme, words: readonly string[]): string {
  const [rows, columns] = [random.whole(4, 8), random.whole(3, 5)];
  const [width, height] = [540 / columns, 26];
  let out = rect({ left: theme.left, top: 86, width: 540, height }, theme.accent);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = column === 0 || row === 0 ? random.pick(words) : random.number(0, 999).toFixed(1);
      out += text(theme.left + column * width + 8, 104 + row * height, 12, theme.ink, theme.font, value);
    }
    out += rect({ left: theme.left, top: 86 + (row + 1) * height, width: 540, height: 1 }, theme.ink, 'opacity="0.4"');
  }
  return out;
}
