import { join } from 'node:path';
import { probe } from '../src/media/probe.ts';
import { blackBox } from './support/black-box.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';

const lasting = (file: string) => probe(join(REAL_MEDIA, file)).durationSec;

blackBox(
  'real media',
  () => ({
    folder: REAL_MEDIA,
    film: 'odd/mov_text_subtitles.mp4',
    filmSec: lasting('odd/mov_text_subtitles.mp4'),
    plain: 'video/bbb_30s_854x480_6ch.mp4',
    plainSec: lasting('video/bbb_30s_854x480_6ch.mp4'),
    silent: 'odd/no_audio_640x360.mp4',
    audio: 'audio/speech/jfk.mp3',
    audioSec: lasting('audio/speech/jfk.mp3'),
    broken: 'broken/page_named.mp4',
  }),
  { skip: NO_REAL_MEDIA },
);
