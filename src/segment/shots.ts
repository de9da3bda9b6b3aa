import type { Picture } from '../media/frames.ts';
import { Slab } from '../media/slab.ts';
import { BlankFrameDetector, MAX_FADE_SEC } from './blank-frames.ts';
import { cutThreshold, hasCutLookAhead, INTERRUPTION_SEC, isCut } from './cuts.ts';
import { FrameGrid, type GradualTransition, gradualAt, LEAST_SCORE, REACH_SEC } from './gradual.ts';
import { isInsetCut } from './inset.ts';
import { LetterboxTracker } from './letterbox.ts';
import { isSameShot } from './same-shot.ts';
import { Signature, WHOLE_AREA } from './signature.ts';
import { isSlideChange, slideDissolve } from './stills.ts';
import { isCutUnderStrobe } from './strobe.ts';
import { Timeline } from './timeline.ts';

export { SHOT_PICTURE } from './signature.ts';

/** Where one shot ends and another begins. */
export interface ShotBoundary {
  /**
   * The first picture of the new shot, counted from 0 over all pictures pushed; of a dissolve or a wipe the one in
   * the middle, of a fade through black the first that can be seen.
   */
  readonly frame: number;
  readonly timeSec: number;
  readonly transition: 'cut' | 'gradual';
  /** Extent of the transition: its first picture, and the first that is all new shot. Both equal `frame` for a cut. */
  readonly startFrame: number;
  readonly endFrame: number;
}

/** Is told what the detector measures, in order of time but for the two kinds of scores among each other. */
export interface ShotObserver {
  /** How much each picture but the first changes the one before, and what it would take to be a cut. */
  change(frame: number, size: number, threshold: number): void;
  /** The best score of a gradual transition around a picture; pictures that are not told of have none. */
  gradual(frame: number, score: number): void;
}

/** What the score of a gradual transition has to reach. */
export const GRADUAL_THRESHOLD = LEAST_SCORE;

type Extent = Pick<ShotBoundary, 'frame' | 'startFrame' | 'endFrame'>;

/** A cut that only a part of the picture shows still changes it by this, see `changeSize`: most pictures need no closer look. */
const LEAST_HIDDEN = 8;
/** … and a new slide, which is mostly paper, by this. */
const LEAST_OF_STILLS = 2;
/** Where a dissolve between slides has ended, pictures change by no more than a speaker's camera in a corner … */
const MOST_AT_REST = 4;
/**
 * … and it is looked for in such steps: it can be seen for up to a second after its end. They count from time 0 of the film,
 * so that what is found does not depend on where decoding starts. Seconds.
 */
const REST_STEP_SEC = 0.2;
/** A transition over so few pictures is a cut smeared by blended fields or a changed frame rate. */
const SMEAR_FRAMES = 2;
/** A gradual transition is judged once blank stretches are known this far after its middle. Seconds. */
const BLANK_AHEAD_SEC = 1.5;
/**
 * How far back of the next picture to be looked at others are needed: a fade, or a gradual transition that was as long
 * as can be and ended a reach (and some) ago. Seconds.
 */
const HELD_SEC = Math.max(4 * REACH_SEC, MAX_FADE_SEC);
/** … but always so many, where pictures are far apart. */
const HELD_FRAMES = 10;
/** Timestamps that jump further than this, or back, are broken; inside, time goes on without the jump. Seconds. */
const LONGEST_STEP_SEC = 10;

/**
 * Finds shot boundaries in a stream of small pictures, in one pass and constant memory: every decoded picture, in the
 * order of presentation, scaled to `SHOT_PICTURE`. A boundary comes some six seconds after its picture.
 */
export class ShotDetector {
  readonly #observer: ShotObserver | undefined;
  readonly #timeline = new Timeline();
  readonly #memory = new Slab();
  readonly #grid = new FrameGrid();
  readonly #letterbox = new LetterboxTracker();
  #area = WHOLE_AREA;
  /** Timestamp of the last picture, and the time that has passed in sane steps. */
  #timeSec = 0;
  #clockSec = 0;
  readonly #blankFrames = new BlankFrameDetector();
  /** The next picture to be looked at for cuts, for blank stretches, and (place on the grid) for gradual transitions. */
  #nextCut = 1;
  #nextBlankFrame = 0;
  #middle = 0;
  /** Cuts that gradual transitions must not span. */
  #cuts: number[] = [];
  /** Gradual transitions, the best where several overlap, until no better one can come. */
  #gradual: GradualTransition[] = [];
  /** Boundaries that may still be overruled, or overtaken by an earlier one. */
  #pending: ShotBoundary[] = [];
  #restStep = Number.NEGATIVE_INFINITY;
  #settledSec = Number.NEGATIVE_INFINITY;

  /** @param observer costs time: for looking at the detector, not for production */
  constructor(observer?: ShotObserver) {
    this.#observer = observer;
  }

  /** No boundary before this time is still to come. Seconds. */
  get settledSec(): number {
    return this.#settledSec;
  }

  /** Takes the next picture; returns the boundaries that have become certain, in order. */
  push(picture: Picture): ShotBoundary[] {
    const frame = this.#timeline.end;
    this.#clockSec += Math.min(LONGEST_STEP_SEC, Math.max(0, picture.timeSec - this.#timeSec));
    this.#timeSec = picture.timeSec;
    const signature = new Signature(picture, this.#clockSec, this.#area, this.#memory);
    const area = this.#letterbox.update(signature);
    if (area) {
      this.#area = area;
      signature.crop(area);
      this.#timeline.crop(area);
    }
    this.#timeline.append(signature);
    this.#grid.offer(frame, this.#clockSec);
    return this.#advance(false);
  }

  /** The stream is over: returns the boundaries that are left. */
  end(): ShotBoundary[] {
    return this.#timeline.end === 0 ? [] : this.#advance(true);
  }

  /** Each of the three searches needs to know what the one before it found a little further on. */
  #advance(ended: boolean): ShotBoundary[] {
    const timeline = this.#timeline;
    const lastSec = timeline.clockSec(timeline.end - 1);
    for (; this.#nextCut < timeline.end; this.#nextCut++) {
      if (!ended && !hasCutLookAhead(timeline, this.#nextCut)) break;
      this.#findCut(this.#nextCut);
    }
    for (; this.#nextBlankFrame < this.#nextCut; this.#nextBlankFrame++) {
      if (!ended && timeline.clockSec(this.#nextBlankFrame) + MAX_FADE_SEC > lastSec) break;
      this.#findBlankFrames(this.#nextBlankFrame);
    }
    const blankFramesSec = timeline.clockSec(Math.min(this.#nextBlankFrame, timeline.end - 1));
    for (; this.#middle < this.#grid.frames.length; this.#middle++) {
      if (!ended && timeline.clockSec(this.#grid.frames[this.#middle]!) + BLANK_AHEAD_SEC > blankFramesSec) break;
      this.#findGradual(this.#middle);
    }
    if (ended) this.#closeGradual(() => true);
    return this.#settle(ended);
  }

  #findCut(frame: number): void {
    this.#observer?.change(frame, this.#timeline.change(frame).size, cutThreshold(this.#timeline, frame));
    if (!isCut(this.#timeline, frame)) return;
    this.#addCut(frame);
  }

  #findStillDissolve(frame: number): void {
    const restStep = Math.floor(this.#timeline.at(frame).timeSec / REST_STEP_SEC);
    if (restStep === this.#restStep || this.#timeline.change(frame).size > MOST_AT_REST) return;
    this.#restStep = restStep;
    const found = slideDissolve(this.#timeline, frame);
    if (!found || this.#isBroken(found.startFrame - 1, frame)) return;
    const { startFrame, endFrame } = found;
    if (this.#gradual.some((other) => other.startFrame <= endFrame && other.endFrame >= startFrame)) return;
    const middle = (startFrame + endFrame) >> 1;
    this.#gradual.push({ frame: middle, startFrame, endFrame, score: 1, strength: Number.POSITIVE_INFINITY });
  }

  #isHiddenCut(frame: number): boolean {
    const timeline = this.#timeline;
    const { size } = timeline.change(frame);
    if (size >= LEAST_OF_STILLS && isSlideChange(timeline, frame)) return true;
    if (size < LEAST_HIDDEN) return false;
    if (isCutUnderStrobe(timeline, frame)) return true;
    return !this.#blankFrames.overlaps(frame - 1, frame) && isInsetCut(timeline, frame);
  }

  #addCut(frame: number): void {
    this.#cuts.push(frame);
    this.#cuts.sort((a, b) => a - b);
    this.#add({ frame, startFrame: frame, endFrame: frame });
  }

  #findBlankFrames(frame: number): void {
    const { boundary, from, to } = this.#blankFrames.visit(this.#timeline, frame, this.#cuts);
    // What a cut to or from a blank picture means is for the blank stretch to say.
    this.#pending = this.#pending.filter((other) => other.frame < from || other.frame > to);
    if (boundary) this.#add(boundary);
    this.#findHiddenCut(frame);
    this.#findStillDissolve(frame);
  }

  /** Finds a cut that the whole picture hides: only a part of it changes, or the light changes as much by itself. */
  #findHiddenCut(frame: number): void {
    if (frame === this.#timeline.first) return;
    const sec = this.#timeline.clockSec(frame);
    if (this.#cuts.some((cut) => Math.abs(this.#timeline.clockSec(cut) - sec) <= INTERRUPTION_SEC)) return;
    if (!this.#isHiddenCut(frame)) return;
    this.#addCut(frame);
  }

  #findGradual(middle: number): void {
    const reachedSec = this.#timeline.clockSec(this.#grid.frames[middle]!) - REACH_SEC;
    this.#closeGradual(({ endFrame }) => this.#timeline.clockSec(endFrame) < reachedSec);

    const isBroken = (from: number, to: number) => this.#isBroken(from, to);
    if (this.#observer) {
      const frame = this.#grid.frames[middle]!;
      this.#observer.gradual(frame, gradualAt(this.#timeline, this.#grid, middle, isBroken, 0)?.score ?? 0);
    }
    const found = gradualAt(this.#timeline, this.#grid, middle, isBroken);
    if (!found || isSameShot(this.#timeline, this.#cuts, found)) return;
    const rivals = this.#gradual.filter(
      (other) => other.startFrame <= found.endFrame && other.endFrame >= found.startFrame,
    );
    if (rivals.some((rival) => rival.strength >= found.strength)) return;
    this.#gradual = [...this.#gradual.filter((other) => !rivals.includes(other)), found];
  }

  #isBroken(from: number, to: number): boolean {
    return this.#cuts.some((cut) => cut > from && cut <= to) || this.#blankFrames.overlaps(from, to);
  }

  /** Those found last need not be those that end last. */
  #closeGradual(isOver: (transition: GradualTransition) => boolean): void {
    for (const transition of this.#gradual) if (isOver(transition)) this.#add(transition);
    this.#gradual = this.#gradual.filter((transition) => !isOver(transition));
  }

  #add({ frame, startFrame, endFrame }: Extent): void {
    const transition = endFrame - startFrame > SMEAR_FRAMES ? 'gradual' : 'cut';
    const extent = transition === 'cut' ? { startFrame: frame, endFrame: frame } : { startFrame, endFrame };
    this.#pending.push({ frame, timeSec: this.#timeline.at(frame).timeSec, transition, ...extent });
    this.#pending.sort((a, b) => a.frame - b.frame);
  }

  /** Gives out what nothing can come before any more, and lets go of what nothing looks back to. */
  #settle(ended: boolean): ShotBoundary[] {
    const timeline = this.#timeline;
    const middleSec = timeline.clockSec(this.#grid.frames[Math.min(this.#middle, this.#grid.frames.length - 1)]!);
    let settled = timeline.first;
    const limit = Math.min(
      this.#blankFrames.undecidedFrom,
      timeline.end,
      ...this.#gradual.map(({ startFrame }) => startFrame),
    );
    while (settled < limit && (ended || timeline.clockSec(settled) < middleSec - REACH_SEC)) settled++;
    this.#settledSec = ended ? Number.POSITIVE_INFINITY : timeline.at(settled).timeSec;
    const count = this.#pending.findIndex(({ frame }) => !ended && frame >= settled);
    const certain = this.#pending.splice(0, count === -1 ? this.#pending.length : count);

    const next = Math.min(this.#nextCut, this.#nextBlankFrame, this.#grid.frames[this.#middle] ?? timeline.end);
    let needed = timeline.first;
    while (needed < next - HELD_FRAMES && timeline.clockSec(needed) < timeline.clockSec(next - 1) - HELD_SEC) needed++;
    timeline.discardBefore(needed);
    this.#middle -= this.#grid.discardBefore(timeline.first);
    this.#blankFrames.discardBefore(timeline.first);
    while (this.#cuts[0]! < timeline.first) this.#cuts.shift();
    return certain;
  }
}
