/** Length of the header of a WAV file with one `fmt ` and one `data` chunk, in bytes. */
const HEADER_BYTES = 44;
/** Format code of linear PCM. */
const PCM = 1;
const BYTES_PER_SAMPLE = 2;
const MAX_SAMPLE = 32_767;

/** WAV file of mono sound, 16 bits per sample. @param samples −1 to 1; values beyond are clipped */
export function wavFile(samples: Float32Array, sampleRate: number): Uint8Array {
  const size = samples.length * BYTES_PER_SAMPLE;
  const file = Buffer.alloc(HEADER_BYTES + size);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(HEADER_BYTES - 8 + size, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(PCM, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(sampleRate, 24);
  file.writeUInt32LE(sampleRate * BYTES_PER_SAMPLE, 28);
  file.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  file.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(size, 40);
  for (const [i, sample] of samples.entries()) {
    const clipped = Math.min(Math.max(sample, -1), 1);
    file.writeInt16LE(Math.round(clipped * MAX_SAMPLE), HEADER_BYTES + i * BYTES_PER_SAMPLE);
  }
  return file;
}
