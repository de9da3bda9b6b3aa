import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { decode } from '../../src/media/decode.ts';
import type { Picture } from '../../src/media/frames.ts';
import { SHOT_PICTURE } from '../../src/segment/shots.ts';
import { OUT_DIR } from './out.ts';

const { width, height } = SHOT_PICTURE;
const PICTURE_BYTES = width * height * 3;
/** Size of a record: a timestamp as a double, then the picture. */
const RECORD_BYTES = 8 + PICTURE_BYTES;

/**
 * All pictures of a film as the shot detector gets them. They are decoded once and cached in `OUT_DIR`, so that the detector
 * runs again in seconds. Delete them there after a change of decoding or scaling.
 */
export function* smallPictures(film: string): Generator<Picture> {
  const file = openSync(kept(film), 'r');
  try {
    const count = fstatSync(file).size / RECORD_BYTES;
    for (let i = 0; i < count; i++) {
      // Each picture has its own memory, because the detector keeps pictures for seconds.
      const record = new Uint8Array(RECORD_BYTES);
      readSync(file, record, 0, RECORD_BYTES, i * RECORD_BYTES);
      const timeSec = new DataView(record.buffer).getFloat64(0);
      yield { timeSec, width, height, data: record.subarray(8) };
    }
  } finally {
    closeSync(file);
  }
}

function kept(film: string): string {
  const { size, mtimeMs } = statSync(film);
  const target = join(OUT_DIR, 'small', `${basename(film)}-${size}-${Math.round(mtimeMs)}`);
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  const file = openSync(`${target}.${process.pid}.unfinished`, 'w');
  const time = new DataView(new ArrayBuffer(8));
  for (const event of decode({ path: film, everyPicture: SHOT_PICTURE })) {
    if (event.type !== 'picture') continue;
    time.setFloat64(0, event.picture.timeSec);
    writeSync(file, time);
    writeSync(file, event.picture.data);
  }
  closeSync(file);
  renameSync(`${target}.${process.pid}.unfinished`, target);
  return target;
}
