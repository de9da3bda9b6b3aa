import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { probe } from '../../src/media/probe.ts';
import type { Material } from './black-box.ts';
import { cutsBetween, makeMedia } from './make-media.ts';

/** Generates the test media of the black-box tests in a folder. */
export function madeMaterial(folder: string): Material {
  const film = makeMedia(join(folder, 'film.mkv'), {
    video: cutsBetween(['testsrc2', 'smptebars', 'mandelbrot', 'rgbtestsrc']),
    audio: 'sine=frequency=440:duration=12',
    subtitles: [
      { startSec: 1, endSec: 3, text: 'The quick brown fox' },
      { startSec: 7, endSec: 9, text: 'jumps over the lazy dog.' },
    ],
  });
  const plain = makeMedia(join(folder, 'plain.mp4'), {
    video: cutsBetween(['mandelbrot', 'testsrc2', 'smptehdbars', 'yuvtestsrc']),
    audio: 'anoisesrc=color=pink:duration=12',
  });
  makeMedia(join(folder, 'silent.mp4'), { video: cutsBetween(['testsrc2', 'smptebars']) });
  const audio = makeMedia(join(folder, 'sound.flac'), {
    audio: 'aevalsrc=sin(880*t*t):duration=15',
    audioCodec: FF_ENCODER_FLAC,
  });
  writeFileSync(join(folder, 'page.mp4'), '<!doctype html><title>not a film</title>');
  return {
    folder,
    film: 'film.mkv',
    filmSec: probe(film).durationSec,
    plain: 'plain.mp4',
    plainSec: probe(plain).durationSec,
    silent: 'silent.mp4',
    audio: 'sound.flac',
    audioSec: probe(audio).durationSec,
    broken: 'page.mp4',
  };
}
