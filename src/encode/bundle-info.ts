import { type BundleFile, spaceOf, spacesOf } from './bundle-file.ts';
import type { BundleInfo } from './encoder.ts';

const MEGABYTE = 1024 ** 2;

/** What a bundle's file says of it. */
export function infoOf(file: BundleFile): BundleInfo {
  return {
    name: file.name,
    revision: file.revision,
    can: file.can,
    cannot: file.cannot,
    licence: file.licence,
    memoryBytes: file.expect.memoryMb * MEGABYTE,
    spaces: spacesOf(file),
    transcribesSpeech: file.speech !== undefined,
    textQuerySpaces: file.textQueries.map((query) => spaceOf(query, 'transcription')),
    dimensions: file.dimensions,
  };
}

/** Whether any of the bundle's models runs in the workers. */
export function usesOnnx(file: BundleFile): boolean {
  return uses(file, 'onnx');
}

/** Whether the workers ask inference servers. */
export function usesInferenceServers(file: BundleFile): boolean {
  return uses(file, 'inference-server');
}

function uses({ visual, audio, transcription, textQueries }: BundleFile, kind: 'onnx' | 'inference-server'): boolean {
  return [visual, audio, transcription, ...textQueries].some((part) => part?.kind === kind);
}
