import { aboutField, ofKind, ReelvecError } from '../errors.ts';
import type { InputPart } from '../media/frames.ts';
import { checkLimits } from '../tasks/limits.ts';
import { runWithRetry } from '../workers/retry.ts';
import type { QuerySource } from './request.ts';
import { type SourceContext, type SourceDeps, useMedia } from './sources.ts';

/** Duration limits of video and audio in a query of several parts, in seconds. */
const CLIP_DURATION = { minSec: 0, maxSec: 30 };
/** Maximum size of video and audio in a query of several parts, in bytes. */
const MAX_CLIP_BYTES = 32 * 1024 ** 2;
const LIMITS = { maxVideoBytes: MAX_CLIP_BYTES, maxAudioBytes: MAX_CLIP_BYTES };

/** Short video or audio of a query. */
interface ClipSource {
  readonly kind: 'video' | 'audio';
  /** Path of the request parameter, for errors. */
  readonly field: string;
  readonly source: QuerySource;
  /** Unique blob key within the scratch folder. */
  readonly name: string;
}

/**
 * Fetches short video or audio and decodes its pictures or sound.
 * @throws {ReelvecError} for an unusable source
 */
export async function readClip(
  deps: SourceDeps,
  { kind, field, source, name }: ClipSource,
  context: SourceContext,
): Promise<{ part: InputPart; filename?: string }> {
  const wanted = { source, field, name, maxBytes: MAX_CLIP_BYTES };
  const read = useMedia(deps, wanted, context, async ({ location: path, media, filename }) => {
    checkLimits(media, { inputType: kind, startSec: 0 }, LIMITS, CLIP_DURATION);
    const option = kind === 'video' ? 'visual' : 'audio';
    const job = { kind: 'clip' as const, path, media, option } as const;
    const { pictures, samples } = await runWithRetry<'clip'>(deps.probes, job, { signal: context.signal });
    if (pictures.length + samples.length === 0) throw empty(kind);
    const part: InputPart = kind === 'video' ? { kind: 'video', pictures } : { kind: 'sound', samples };
    return { part, ...(filename !== undefined && { filename }) };
  });
  return read.catch((error) => {
    throw aboutField(ofKind(error, kind), field);
  });
}

function empty(kind: 'video' | 'audio'): ReelvecError {
  const content = kind === 'video' ? 'picture' : 'sound';
  return new ReelvecError('media_has_no_track', `The file has no ${content} that can be decoded.`);
}
