import type { ShotBoundary } from '../../src/segment/shots.ts';
import type { Distraction, Truth } from './film.ts';

/** What became of the boundaries of a film that are to be found, and what was reported beside them. */
export interface Outcome {
  readonly found: readonly Truth[];
  readonly missed: readonly Truth[];
  readonly falseAlarms: readonly ShotBoundary[];
}

/** How far off a report may be. Pictures. */
const HARD_GRACE = 1;
const GRADUAL_GRACE = 2;

export const isHard = ({ kind }: Pick<Truth, 'kind'>) => kind.startsWith('cut');

/**
 * A cut is found by a report within one picture, a gradual transition by one within its extent and two pictures on
 * either side. Each finds one: what is left over is missed, or a false alarm. Reports in `ignored` stretches are neither.
 */
export function score(
  truth: readonly Truth[],
  reports: readonly ShotBoundary[],
  ignored: readonly (readonly [from: number, to: number])[] = [],
): Outcome {
  const missed = new Set(truth);
  const falseAlarms: ShotBoundary[] = [];
  for (const report of reports) {
    const fitting = [...missed].filter((one) => {
      const grace = isHard(one) ? HARD_GRACE : GRADUAL_GRACE;
      const [from, to] = isHard(one) ? [one.frame, one.frame] : [one.start, one.end];
      return report.frame >= from - grace && report.frame <= to + grace;
    });
    fitting.sort((a, b) => Math.abs(a.frame - report.frame) - Math.abs(b.frame - report.frame));
    if (fitting[0]) missed.delete(fitting[0]);
    else if (!ignored.some(([from, to]) => report.frame >= from && report.frame <= to)) falseAlarms.push(report);
  }
  return { found: truth.filter((one) => !missed.has(one)), missed: [...missed], falseAlarms };
}

/** What the film does where a false alarm is: what must not be taken for a boundary, and what lies next to it. */
export function causeOf(
  { frame }: ShotBoundary,
  truth: readonly Truth[],
  distractions: readonly Distraction[],
): string {
  const near = truth.find(({ start, end }) => frame >= start - 12 && frame <= end + 12);
  const during = distractions.find(({ start, end }) => frame >= start && frame < end);
  return [during?.kind ?? 'nothing', ...(near ? [`beside a ${near.kind}`] : [])].join(' ');
}
