import { basename } from 'node:path';

/** Recordings that the test media hold in several files, from the same first moment. */
const IN_SEVERAL_FILES = ['bbb', 'flower', 'jfk', 'string_orchestra_hungarian_dance'];

/** What is to be seen or heard in a file of the test media: one name for all files of one recording. */
export function recordingOf(path: string): string {
  const file = basename(path);
  return IN_SEVERAL_FILES.find((name) => file.startsWith(name)) ?? file;
}

/** Where a file comes from: one name for all takes that ESC-10 cut from one recording. */
export function sourceOf(path: string): string {
  return /__(\d-\d+)-[A-Z]\.flac$/.exec(path)?.[1] ?? recordingOf(path);
}
