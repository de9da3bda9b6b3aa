import { AV_LOG_QUIET, AVIO_FLAG_READ } from 'node-av/constants';
import { InputFormat, IOContext, Log } from 'node-av/lib';
import { ReelvecError } from '../errors.ts';
import { type Refusal, refusalOf } from './demuxers.ts';

/** Bytes read to recognise a format; FFmpeg's own limit. */
const PROBE_BYTES = 1024 ** 2;

/** Advice for still pictures. */
const IMAGES_GO_ELSEWHERE =
  'Images are embedded with POST /embed-v2 and input_type "image", as JPEG, PNG, WebP or AVIF.';

/** End of the error sentence, by the reason of refusal. */
const REASONS: Readonly<Record<Refusal, string>> = {
  linked: 'which refers to other files or addresses, and those are never opened. Send the media itself, in one file.',
  device: 'which is no file. Send a media file.',
  picture: `which is a still picture; input_type "video" needs one that moves. ${IMAGES_GO_ELSEWHERE}`,
  text: 'which holds neither pictures nor sound. Send the video or audio file.',
  bare: 'which does not say how to read it. Put it into a container: ffmpeg -i IN OUT.mkv',
};

/**
 * Creates the error for a file that FFmpeg does not open: refused, unknown, or in an allowed format and thus damaged.
 * @param url as passed to FFmpeg
 */
export function unreadable(url: string): ReelvecError {
  const format = recognise(url);
  if (!format) {
    return new ReelvecError(
      'source_not_media',
      'The format of the file is not known: it is not video or audio, it is damaged at its start, or it is encrypted as a whole. ' +
        'Check that it plays in a media player; if it does, convert it: ffmpeg -i IN OUT.mp4',
    );
  }
  const name = format.name ?? '';
  const refusal = refusalOf(name);
  if (refusal) {
    return new ReelvecError('source_not_media', `The format of the file is ${title(format)}, ${REASONS[refusal]}`, {
      details: { format: name },
    });
  }
  return new ReelvecError(
    'video_file_broken',
    `The file begins like ${title(format)}, but could not be read: it is damaged, or cut off before its index. ` +
      'Check that it plays in a media player and send the whole file.',
    { details: { format: name } },
  );
}

/** Error for a file that opens as media but has one picture. @param format such as `HEIC` or `GIF` */
export function stillPicture(format: string): ReelvecError {
  return new ReelvecError(
    'source_not_media',
    `The file is a still picture (${format}); input_type "video" needs one that moves. ${IMAGES_GO_ELSEWHERE}`,
    { details: { format } },
  );
}

function title(format: InputFormat): string {
  const name = format.name ?? '';
  const image = /^(.*)_pipe$/.exec(name)?.[1];
  return image ? `${image.toUpperCase()} (${name})` : `${format.longName ?? name} (${name})`;
}

function recognise(url: string): InputFormat | null {
  Log.setLevel(AV_LOG_QUIET);
  const io = new IOContext();
  if (io.open2Sync(url, AVIO_FLAG_READ) < 0) return null;
  try {
    return InputFormat.probeBufferSync(io, PROBE_BYTES);
  } finally {
    io.closepSync();
  }
}
