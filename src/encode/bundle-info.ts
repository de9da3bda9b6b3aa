import { type BundleFile, spaceOf, spacesOf, type VisualSpec } from './bundle-file.ts';
import type { BundleInfo } from './encoder.ts';

/** Bytes per MiB. */
const MEGABYTE = 1024 ** 2;

/** Description of a bundle, from its file. */
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
    textQuerySpaces: file.textQueries.map((query) => spaceOf(query, 'transcription', file.models)),
    takesJointInput: takesJointInput(file),
    dimensions: file.dimensions,
  };
}

function takesJointInput({ visual }: BundleFile): boolean {
  return visual?.kind === 'multimodal' || (visual?.kind === 'openai-embeddings' && visual.joint);
}

/** True if onnxruntime runs any of the bundle's models in the workers. */
export function usesOnnx(file: BundleFile): boolean {
  return uses(file, 'onnx') || uses(file, 'multimodal');
}

/** True if servers run any of the bundle's models. */
export function usesInferenceServers(file: BundleFile): boolean {
  return uses(file, 'inference-server') || uses(file, 'openai-embeddings');
}

function uses(file: BundleFile, kind: VisualSpec['kind']): boolean {
  const { visual, audio, transcription, textQueries } = file;
  return [visual, audio, transcription, ...textQueries].some((part) => part?.kind === kind);
}
