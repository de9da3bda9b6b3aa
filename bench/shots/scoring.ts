import type { Picture } from '../../src/media/frames.ts';
import { RULES, type Rules } from '../../src/segment/rules.ts';
import { type ShotBoundary, ShotDetector } from '../../src/segment/shots.ts';
import type { Distraction, Truth } from './film.ts';
import type { SmallFilm } from './variants.ts';

/** A film with a name, and ranges of pictures in which reports count neither as found nor as false. */
export interface LabelledFilm extends SmallFilm {
  readonly name: string;
  readonly ignored?: readonly (readonly [from: number, to: number])[];
}

/** Boundaries found and missed, and reports that match no boundary. */
export interface Outcome {
  readonly found: readonly Truth[];
  readonly missed: readonly Truth[];
  readonly falseAlarms: readonly ShotBoundary[];
}

/** The outcome for one film. */
export interface ScoredFilm extends Outcome {
  readonly name: string;
  readonly durationSec: number;
  /** Cause of each false alarm. */
  readonly causes: readonly string[];
}

/** Tolerance for cuts, in pictures. */
const CUT_TOLERANCE_FRAMES = 1;
/** Tolerance before and after a gradual transition, in pictures. */
const GRADUAL_TOLERANCE_FRAMES = 2;
/** Distance within which a false alarm counts as next to a boundary, in pictures. */
const NEAR_FRAMES = 12;

export const isHard = ({ kind }: Pick<Truth, 'kind'>) => kind.startsWith('cut');

/** Boundaries that the detector reports for a film. */
export interface Detection {
  readonly durationSec: number;
  readonly reports: readonly ShotBoundary[];
}

/** Runs the detector on the pictures of a film. */
export function detectFilm(pictures: Iterable<Picture>, rules: Rules = RULES): Detection {
  const detector = new ShotDetector({ rules });
  const reports: ShotBoundary[] = [];
  let durationSec = 0;
  for (const picture of pictures) {
    reports.push(...detector.push(picture));
    durationSec = picture.timeSec;
  }
  reports.push(...detector.end());
  return { durationSec, reports };
}

/** Compares a detection, by default that with the rules in use, with the film's boundaries. */
export function scoreFilm(film: LabelledFilm, detection: Detection = detectFilm(film.pictures())): ScoredFilm {
  const { name, truth, distractions, ignored } = film;
  const { durationSec, reports } = detection;
  const outcome = score(truth, reports, ignored);
  const causes = outcome.falseAlarms.map((alarm) => causeOf(alarm, truth, distractions));
  return { name, durationSec, causes, ...outcome };
}

/**
 * A cut is found by a report within one picture, a gradual transition by one within its extent and two pictures on
 * either side. Each report finds one boundary at most. Other boundaries are missed, other reports are false alarms, except
 * for reports in `ignored` ranges.
 */
function score(
  truth: readonly Truth[],
  reports: readonly ShotBoundary[],
  ignored: readonly (readonly [from: number, to: number])[] = [],
): Outcome {
  const missed = new Set(truth);
  const falseAlarms: ShotBoundary[] = [];
  for (const report of reports) {
    const fitting = [...missed].filter((one) => {
      const tolerance = isHard(one) ? CUT_TOLERANCE_FRAMES : GRADUAL_TOLERANCE_FRAMES;
      const [from, to] = isHard(one) ? [one.frame, one.frame] : [one.start, one.end];
      return report.frame >= from - tolerance && report.frame <= to + tolerance;
    });
    fitting.sort((a, b) => Math.abs(a.frame - report.frame) - Math.abs(b.frame - report.frame));
    if (fitting[0]) missed.delete(fitting[0]);
    else if (!ignored.some(([from, to]) => report.frame >= from && report.frame <= to)) falseAlarms.push(report);
  }
  return { found: truth.filter((one) => !missed.has(one)), missed: [...missed], falseAlarms };
}

/** The cause of a false alarm: the distraction in the film at that picture, and the boundary next to it. */
function causeOf({ frame }: ShotBoundary, truth: readonly Truth[], distractions: readonly Distraction[]): string {
  const near = truth.find(({ start, end }) => frame >= start - NEAR_FRAMES && frame <= end + NEAR_FRAMES);
  const during = distractions.find(({ start, end }) => frame >= start && frame < end);
  return [during?.kind ?? 'nothing', ...(near ? [`beside a ${near.kind}`] : [])].join(' ');
}

/** Harmonic mean of precision and recall over several films. 1 if they have no boundaries and there are no reports. */
export function f1Of(films: readonly Outcome[]): number {
  const count = (what: keyof Outcome) => films.reduce((sum, film) => sum + film[what].length, 0);
  const [found, faults] = [count('found'), count('missed') + count('falseAlarms')];
  return found + faults === 0 ? 1 : (2 * found) / (2 * found + faults);
}
