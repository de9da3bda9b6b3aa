import { join } from 'node:path';
import { probe } from '../src/media/probe.ts';
import { blackBox } from './support/black-box.ts';
import { REAL_MEDIA } from './support/real-media.ts';

if (REAL_MEDIA !== undefined) {
  const folder = REAL_MEDIA;
  const lasting = (file: string) => probe(join(folder, file)).durationSec;
  blackBox('real media', () => ({
    folder,
    film: 'odd/mov_text_subtitles.mp4',
    filmSec: lasting('odd/mov_text_subtitles.mp4'),
    plain: 'video/bbb_30s_854x480_6ch.mp4',
    plainSec: lasting('video/bbb_30s_854x480_6ch.mp4'),
    silent: 'odd/no_audio_640x360.mp4',
    audio: 'audio/speech/jfk.mp3',
    audioSec: lasting('audio/speech/jfk.mp3'),
    broken: 'broken/page_named.mp4',
  }));
}
