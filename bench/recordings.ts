import { basename } from 'node:path';

/** Name prefixes of recordings that are in several files of the test media. */
const IN_SEVERAL_FILES = ['bbb', 'flower', 'jfk', 'string_orchestra_hungarian_dance'];

/** Name of the recording in a file of the test media: the same for all files of one recording. */
export function recordingOf(path: string): string {
  const file = basename(path);
  return IN_SEVERAL_FILES.find((name) => file.startsWith(name)) ?? file;
}

/** Source of a file: the same for all takes that ESC-10 cut from one recording. */
export function sourceOf(path: string): string {
  return /__(\d-\d+)-[A-Z]\.flac$/.exec(path)?.[1] ?? recordingOf(path);
}
