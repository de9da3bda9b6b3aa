import { Demuxer, Muxer } from 'node-av/api';
import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';

/**
 * Repeats a media file into a longer one without re-encoding: media that is slow to embed and quick to make.
 * @param of file whose packets all have decoding times, as in MP4
 * @param everySec length of one repetition in seconds; at least the file's duration
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
