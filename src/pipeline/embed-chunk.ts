import type { Option } from '../domain/option.ts';
import type { TimeRange } from '../domain/time-range.ts';
import type { Bundle, Speech, TextEncoder } from '../encode/encoder.ts';
import { decode } from '../media/decode.ts';
import type { DecodeRequest, MediaEvent } from '../media/events.ts';
import type { Cue, Sound } from '../media/frames.ts';
import { WHISPER_RATE } from '../media/whisper-filter.ts';
import { SHOT_PICTURE } from '../segment/shots.ts';
import { subtitleCues, textOfSegments } from '../transcribe/subtitles.ts';
import { Whisper } from '../transcribe/whisper.ts';
import { soundRangeFor } from '../transcribe/windows.ts';
import type { EmbeddedChunk, EmbedJob, OnProgress } from '../workers/protocol.ts';
import { BatchEncoder } from './batch-encoder.ts';
import { ChunkProgress } from './chunk-progress.ts';
import { ClipAssembler } from './clip-assembler.ts';
import { Coverage } from './coverage.ts';
import { SegmentEmbedder } from './segment-embedder.ts';
import { openSegmenter, type Segmenter } from './segmenter.ts';
import { SpeechWindower } from './speech-windower.ts';

/**
 * Decodes one chunk of a file in one pass and embeds its segments as they close. Memory holds the pictures and sound of
 * the open segments only. The same file and job give the same vectors in every process.
 * @param onProgress receives the seconds of the chunk that are done, and the segments so far
 */
export async function embedChunk(job: EmbedJob, bundle: Bundle, onProgress: OnProgress): Promise<EmbeddedChunk> {
  const encoders = encodersFor(job, bundle);
  await using speech = job.listens ? await openSpeech(job.range, bundle) : undefined;
  using chunk = new ChunkEmbedder({ job, encoders, speech, onProgress });
  for (const event of decode(chunk.request)) await chunk.take(event);
  return await chunk.end();
}

/** Encoders of the requested options. */
type Encoders = Pick<Bundle, Option>;

/** Turns the decoder's events into the segments and vectors of one chunk. */
class ChunkEmbedder implements Disposable {
  readonly #job: EmbedJob;
  readonly #encoders: Encoders;
  readonly #speech: SpeechWindower | undefined;
  readonly #coverage: Coverage;
  readonly #clips: ClipAssembler;
  readonly #segmenter: Segmenter;
  readonly #embedder: SegmentEmbedder;
  readonly #progress: ChunkProgress;
  /** Cues of the subtitle track so far. */
  readonly #cues: Cue[] = [];

  constructor({ job, encoders, speech, onProgress }: ChunkOptions) {
    const { visual, audio } = encoders;
    this.#job = job;
    this.#encoders = encoders;
    this.#speech = speech;
    this.#coverage = new Coverage(job, { sound: audio !== undefined || speech !== undefined });
    this.#clips = new ClipAssembler({
      coverage: this.#coverage,
      picturesPerSecond: visual?.pictures.perSecond ?? 1,
      sound: audio ?? { sampleRate: 0 },
    });
    this.#segmenter = openSegmenter(job);
    this.#embedder = new SegmentEmbedder(this.#clips, encoders);
    this.#embedder.add(this.#segmenter.start());
    const pictures = visual !== undefined || this.#segmenter.needsPictures;
    const tracks = { pictures, sound: audio !== undefined, speech: speech !== undefined };
    this.#progress = new ChunkProgress(job.range, tracks, (doneSec) => onProgress(doneSec, this.#embedder.segments));
  }

  /** Media that the chunk needs decoded. */
  get request(): DecodeRequest {
    const { path, range, clock } = this.#job;
    const { visual, audio, transcription } = this.#encoders;
    return {
      path,
      range,
      ...(clock && { clock }),
      ...(this.#segmenter.needsPictures && { everyPicture: SHOT_PICTURE }),
      ...(visual && { sampled: visual.pictures }),
      sound: audio !== undefined,
      ...(this.#speech && { listen: soundRangeFor(range) }),
      subtitles: transcription !== undefined && !this.#speech,
    };
  }

  /** Takes the next event of `decode`, and embeds the segments that it completes. */
  async take(event: MediaEvent): Promise<void> {
    this.#coverage.record(event);
    if (event.type === 'picture') this.#takePicture(event);
    else if (event.type === 'sound') await this.#takeSound(event.sound);
    else if (event.type === 'contextSound') await this.#transcribe(event.sound);
    else if (event.type === 'subtitle') this.#cues.push(...subtitleCues(event.subtitle));
    await this.#embedder.embedUpTo(this.#progress.completeSec);
    this.#progress.advanced();
  }

  #takePicture({ view, picture, isEarlier }: MediaEvent & { type: 'picture' }): void {
    if (view === 'every') this.#embedder.add(this.#segmenter.picture(picture));
    else this.#clips.pushPicture(picture, isEarlier);
    // The other view of this picture may still follow: pictures are complete before this time, not at it.
    this.#progress.pictureSec = picture.timeSec;
  }

  async #takeSound(sound: Sound): Promise<void> {
    if (this.#encoders.audio) {
      this.#clips.pushSound(sound);
      this.#progress.soundSec = endOf(sound);
    }
    await this.#transcribe(sound);
  }

  async #transcribe(sound: Sound): Promise<void> {
    if (!this.#speech) return;
    await this.#speech.push(sound);
    this.#progress.speechSec = endOf(sound);
  }

  /** Embeds the remaining segments and the text. Call it after the last event. */
  async end(): Promise<EmbeddedChunk> {
    const { transcription } = this.#encoders;
    this.#embedder.add(this.#segmenter.end());
    const vectors = await this.#embedder.end();
    const { segments } = this.#embedder;
    const cues = this.#speech ? await this.#speech.words() : this.#cues;
    return {
      segments,
      vectors: {
        ...vectors,
        ...(transcription && { transcription: await embedText(transcription, cues, segments) }),
      },
      ...this.#coverage.report(),
    };
  }

  [Symbol.dispose](): void {
    this.#progress[Symbol.dispose]();
  }
}

interface ChunkOptions {
  readonly job: EmbedJob;
  readonly encoders: Encoders;
  /** Transcribes the sound. Without it, the words come from the subtitle track. */
  readonly speech: SpeechWindower | undefined;
  readonly onProgress: OnProgress;
}

/**
 * The bundle's encoders for the job's options.
 * @throws {Error} if the bundle lacks one
 */
function encodersFor({ options }: EmbedJob, bundle: Bundle): Encoders {
  const missing = options.find((option) => bundle[option] === undefined);
  if (missing) throw new Error(`The bundle ${bundle.name} has no encoder for ${missing}.`);
  return Object.fromEntries(options.map((option) => [option, bundle[option]]));
}

/**
 * Opens the bundle's speech model for the words in a range.
 * @throws {Error} if the bundle has none
 */
async function openSpeech(range: TimeRange, { name, speech }: Bundle): Promise<SpeechWindower> {
  if (!speech) throw new Error(`The bundle ${name} has no speech model.`);
  return new SpeechWindower({ range, model: await loadWhisper(speech), sampleRate: WHISPER_RATE });
}

async function loadWhisper({ file, language, device, threads }: Speech): Promise<Whisper> {
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

/** Time after the last sample, in seconds from the start of the file. */
function endOf({ startSec, samples, sampleRate }: Sound): number {
  return startSec + samples.length / sampleRate;
}
