import { Demuxer, Muxer } from 'node-av/api';
import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';

/**
 * Writes a media file over and over into a longer one, without encoding anything again: media that takes long to
 * embed and no time to make.
 * @param of a file whose packets all have decoding times, as in MP4
 * @param everySec length of one round, in seconds; not less than that of the file
 * @returns the path
 */
export function loopMedia(
  path: string,
  { of, times, everySec }: { of: string; times: number; everySec: number },
): string {
  Log.setLevel(AV_LOG_QUIET);
  using first = Demuxer.openSync(of);
  using output = Muxer.openSync(path);
  const indexes = first.streams.map((stream) => output.addStream(stream));
  for (let round = 0; round < times; round++) {
    using input = Demuxer.openSync(of);
    for (const packet of input.packetsSync()) {
      if (!packet) break;
      const { num, den } = packet.timeBase;
      const shift = BigInt(Math.round((round * everySec * den) / num));
      packet.pts += shift;
      packet.dts += shift;
      output.writePacketSync(packet, indexes[packet.streamIndex]!);
      packet.free();
    }
  }
  return path;
}
