import {
  AV_PKT_DATA_ENCRYPTION_INFO,
  AVDISCARD_ALL,
  AVDISCARD_DEFAULT,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import { type FormatContext, Packet, type Stream } from 'node-av/lib';

/** Sample entries of FairPlay (iTunes), Audible, and Common Encryption without the original format. */
const ENCRYPTED_TAGS = new Set(['drmi', 'drms', 'aavd', 'encv', 'enca']);
/** Stream types of SAMPLE-AES in MPEG-TS: H.264, ADTS, AC-3 and E-AC-3 (Apple, MPEG-2 Stream Encryption Format for HLS). */
const SAMPLE_AES_TAGS = new Set([0xdb, 0xcf, 0xc1, 0xc2]);
/** Tags that FFmpeg sets for the key of a WebM track, and for the protection of an ASF file. */
const KEY_TAGS = ['enc_key_id', 'ASF_Protection_Type'];
/** Maximum packets read to see one of each track. */
const SAMPLED_PACKETS = 500;

/** True if the headers declare a track as encrypted. For MP4, see `encryptedTracks`: it is known from packets. */
export function isEncryptedTrack({ iformat, metadata }: FormatContext, stream: Stream): boolean {
  const { codecTag, codecTagString } = stream.codecpar;
  return (
    ENCRYPTED_TAGS.has(codecTagString ?? '') ||
    (iformat?.name === 'mpegts' && SAMPLE_AES_TAGS.has(Number(codecTag))) ||
    [metadata, stream.metadata].some((tags) => KEY_TAGS.some((tag) => Boolean(tags?.get(tag))))
  );
}

/**
 * Indexes of the MP4 tracks under Common Encryption: Widevine, PlayReady, ClearKey, and FairPlay in HLS. Reads packets from
 * the middle of the file, since the start is often unencrypted, and leaves the read position there.
 */
export function encryptedTracks(context: FormatContext, middleSec: number): ReadonlySet<number> {
  const found = new Set<number>();
  const awaited = new Set<number>();
  for (const stream of context.streams) {
    const isWanted = [AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO].includes(stream.codecpar.codecType);
    stream.discard = isWanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    if (isWanted) awaited.add(stream.index);
  }
  context.seekFrameSync(-1, BigInt(Math.round(middleSec * 1e6)), AVSEEK_FLAG_BACKWARD);
  using packet = new Packet();
  packet.alloc();
  for (let count = 0; count < SAMPLED_PACKETS && awaited.size > 0; count++) {
    if (context.readFrameSync(packet) < 0) break;
    awaited.delete(packet.streamIndex);
    if (packet.getSideData(AV_PKT_DATA_ENCRYPTION_INFO)) found.add(packet.streamIndex);
    packet.unref();
  }
  return found;
}
