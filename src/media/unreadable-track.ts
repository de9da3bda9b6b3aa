import { ReelvecError } from '../errors.ts';
import type { UnreadableTrack } from './info.ts';

/** Error for a request that needs an undecodable track. Independent of FFmpeg. */
export function undecodable(track: UnreadableTrack): ReelvecError {
  const advice = track.isEncrypted
    ? 'There is no key for it: send a copy without DRM or encryption.'
    : 'Convert it with the program that made it, to H.264 and AAC in MP4.';
  return new ReelvecError('media_has_no_track', `The file cannot be decoded: ${clauseOf(track)}. ${advice}`, {
    details: { codec: track.codec, encrypted: track.isEncrypted },
  });
}

/** Clause that states why a track cannot be decoded: "the sound is encrypted (aac)". */
export function clauseOf({ type, codec, isEncrypted }: UnreadableTrack): string {
  const what = type === 'video' ? 'the pictures are' : 'the sound is';
  return isEncrypted ? `${what} encrypted (${codec})` : `${what} in a codec without a decoder (${codec})`;
}
