import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TimeRange } from '../domain/time-range.ts';
import type { AudioClip, Bundle, Encoder, Speech, TextEncoder, VisualClip } from '../encode/encoder.ts';
import { decode } from '../media/decode.ts';
import type { Cue } from '../media/frames.ts';
import { WHISPER_RATE } from '../media/whisper-filter.ts';
import { SHOT_PICTURE } from '../segment/shots.ts';
import { subtitleCues, textOfSegments } from '../transcribe/subtitles.ts';
import { Whisper } from '../transcribe/whisper.ts';
import { soundRangeFor } from '../transcribe/windows.ts';
import type { EmbeddedChunk, EmbedJob, OnProgress } from '../workers/protocol.ts';
import { ClipAssembler } from './clip-assembler.ts';
import { Coverage } from './coverage.ts';
import { Heartbeat } from './heartbeat.ts';
import { openSegmenter } from './segmenter.ts';
import { SpeechWindower } from './speech-windower.ts';

/** Segments per encoder call: enough for a model to batch, few enough to keep in memory. */
const BATCH_SEGMENTS = 8;
/** Minimum interval between progress reports, in milliseconds. */
const PROGRESS_INTERVAL_MS = 500;

/**
 * Decodes one chunk of a file in one pass and embeds its segments as they close. Memory holds the pictures and sound of
 * the open segments only. The same file and job give the same vectors in every process.
 * @param onProgress receives the seconds of the chunk that are done, and the segments so far
 */
export async function embedChunk(job: EmbedJob, bundle: Bundle, onProgress: OnProgress): Promise<EmbeddedChunk> {
  const wants = encodersFor(job, bundle);
  const coverage = new Coverage(job, { sound: wants.audio !== undefined || job.listens === true });
  const clips = new ClipAssembler({
    coverage,
    picturesPerSecond: wants.visual?.pictures.perSecond ?? 1,
    sound: wants.audio ?? { sampleRate: 0 },
  });
  const visual = wants.visual && new BatchEncoder<VisualClip>(wants.visual);
  const audio = wants.audio && new BatchEncoder<AudioClip>(wants.audio);
  const speech = job.listens ? speechOf(bundle) : undefined;
  await using windower =
    speech && new SpeechWindower({ range: job.range, model: await openSpeech(speech), sampleRate: WHISPER_RATE });
  const segmenter = openSegmenter(job);
  const waiting = [...segmenter.start()];
  const segments: TimeRange[] = [];
  const cues: Cue[] = [];
  let pictureSec = visual || segmenter.needsPictures ? job.range.startSec : Number.POSITIVE_INFINITY;
  let soundSec = audio ? job.range.startSec : Number.POSITIVE_INFINITY;
  let transcribedSec = windower ? job.range.startSec : Number.POSITIVE_INFINITY;
  let reportedAt = performance.now();

  const report = () => {
    reportedAt = performance.now();
    const reached = Math.min(...[pictureSec, soundSec, transcribedSec].filter(Number.isFinite));
    onProgress(Math.max(0, Math.min(reached, job.range.endSec) - job.range.startSec), segments);
  };
  using heartbeat = new Heartbeat(report);

  /** Embeds the waiting segments that end by a time, up to which every track is complete. */
  const embedUpTo = async (timeSec: number) => {
    while (waiting.length > 0 && waiting[0]!.endSec <= timeSec) {
      const segment = waiting.shift()!;
      segments.push(segment);
      visual?.push(clips.visual(segment));
      audio?.push(clips.audio(segment));
      clips.drop(segment.endSec);
      if (segments.length % BATCH_SEGMENTS === 0) {
        await visual?.flush();
        await audio?.flush();
        await nextTurn(); // lets messages to the parent process out
      }
    }
  };

  const events = decode({
    path: job.path,
    range: job.range,
    ...(job.clock && { clock: job.clock }),
    ...(segmenter.needsPictures && { everyPicture: SHOT_PICTURE }),
    ...(wants.visual && { sampled: wants.visual.pictures }),
    sound: audio !== undefined,
    ...(windower && { listen: soundRangeFor(job.range) }),
    subtitles: wants.transcription !== undefined && !windower,
  });
  for (const event of events) {
    coverage.record(event);
    if (event.type === 'picture') {
      if (event.view === 'every') waiting.push(...segmenter.picture(event.picture));
      else clips.pushPicture(event.picture, event.isEarlier);
      // The other view of this picture may still follow: pictures are complete before this time, not at it.
      pictureSec = event.picture.timeSec;
    } else if (event.type === 'sound' || event.type === 'contextSound') {
      const endSec = event.sound.startSec + event.sound.samples.length / event.sound.sampleRate;
      if (audio && event.type === 'sound') {
        clips.pushSound(event.sound);
        soundSec = endSec;
      }
      if (windower) {
        await windower.push(event.sound);
        transcribedSec = endSec;
      }
    } else if (event.type === 'subtitle') {
      cues.push(...subtitleCues(event.subtitle));
    }
    await embedUpTo(Math.min(pictureSec, soundSec));
    heartbeat.progressed();
    if (performance.now() - reportedAt >= PROGRESS_INTERVAL_MS) report();
  }
  waiting.push(...segmenter.end());
  await embedUpTo(Number.POSITIVE_INFINITY);
  await visual?.flush();
  await audio?.flush();
  if (windower) cues.push(...(await windower.words()));

  return {
    segments,
    vectors: {
      ...(visual && { visual: visual.vectors }),
      ...(audio && { audio: audio.vectors }),
      ...(wants.transcription && { transcription: await embedText(wants.transcription, cues, segments) }),
    },
    ...coverage.report(),
  };
}

/**
 * The bundle's encoders for the job's options.
 * @throws {Error} if the bundle lacks one
 */
function encodersFor({ options }: EmbedJob, bundle: Bundle): Pick<Bundle, EmbedJob['options'][number]> {
  const missing = options.find((option) => bundle[option] === undefined);
  if (missing) throw new Error(`The bundle ${bundle.name} has no encoder for ${missing}.`);
  return Object.fromEntries(options.map((option) => [option, bundle[option]]));
}

function speechOf({ name, speech }: Bundle): Speech {
  if (!speech) throw new Error(`The bundle ${name} has no speech model.`);
  return speech;
}

async function openSpeech({ file, language, device, threads }: Speech): Promise<Whisper> {
  const gpu = device === 'cpu' ? 'never' : device === 'auto' ? 'try' : 'must';
  return new Whisper({ model: await file(), language, gpu, threads });
}

async function embedText(transcription: TextEncoder, cues: readonly Cue[], segments: readonly TimeRange[]) {
  const encoder = new BatchEncoder(transcription);
  textOfSegments(cues, segments).forEach((text, i) => {
    encoder.push(text === '' ? undefined : { ...segments[i]!, text });
  });
  await encoder.flush();
  return encoder.vectors;
}

/** Batches clips for one encoder. A segment without a clip has an undefined vector. */
class BatchEncoder<Clip> {
  readonly vectors: (Float32Array | undefined)[] = [];
  readonly #encoder: Encoder<Clip>;
  #clips: Clip[] = [];
  #positions: number[] = [];

  constructor(encoder: Encoder<Clip>) {
    this.#encoder = encoder;
  }

  push(clip: Clip | undefined): void {
    this.vectors.push(undefined);
    if (clip === undefined) return;
    this.#clips.push(clip);
    this.#positions.push(this.vectors.length - 1);
  }

  async flush(): Promise<void> {
    if (this.#clips.length === 0) return;
    const vectors = await this.#encoder.encode(this.#clips);
    vectors.forEach((vector, i) => {
      this.vectors[this.#positions[i]!] = vector;
    });
    this.#clips = [];
    this.#positions = [];
  }
}
