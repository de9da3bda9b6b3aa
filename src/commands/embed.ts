import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { FolderBlobStore } from '../blobs/folder/store.ts';
import type { Config } from '../config.ts';
import { OPTIONS, type Option } from '../domain/option.ts';
import { SCOPES, type Scope } from '../domain/scope.ts';
import type { Segmentation } from '../domain/segmentation.ts';
import { describeBundle } from '../encode/bundles.ts';
import { type BundleInfo, DIMENSION } from '../encode/encoder.ts';
import { SIGNAL } from '../encode/signal/bundle.ts';
import { bundlesThat, shareSpace } from '../encode/spaces.ts';
import { isReelvecError } from '../errors.ts';
import type { MediaInfo } from '../media/info.ts';
import { mediaWorkers } from '../start/media-workers.ts';
import { DEFAULT_OPTIONS, DEFAULT_SCOPES, DEFAULT_SEGMENTATION } from '../tasks/defaults.ts';
import type { Source, TaskRequest } from '../tasks/request.ts';
import { WorkerLost } from '../workers/supervised-process.ts';
import { CommandError, onlyPositional, readArguments, UsageError } from './arguments.ts';
import { FORMATS, type Format } from './embed-formats.ts';
import { callerPath, requireWritable } from './paths.ts';
import { ProgressLine } from './progress-line.ts';

export const help = `Embeds a file or URL without a server. The vectors are identical to those of the API.

Usage: reelvec embed FILE|URL [OPTION]...

Options:
  --segmentation HOW  dynamic:SECONDS (shots of at least SECONDS; video only) or fixed:SECONDS
                      default: dynamic:4 for video, fixed:6 for audio
  --option OPTION     visual, audio or transcription; repeatable; default: all that apply
  --scope SCOPE       clip or asset; repeatable; default: both
  --type TYPE         separate, or fused: one vector for all options, if they share a space; repeatable
                      default: separate
  --dimension N       length of the vectors, if the bundle supports shorter ones; default: 512
  --start SECONDS     start of the range; default: start of the file
  --end SECONDS       end of the range; default: end of the file
  --format FORMAT     json, ndjson, arrow or parquet; default: json
  -o, --output FILE   output file; default: standard output
  --workers N         media worker processes; default: one per core

Examples:
  reelvec embed film.mp4 > film.json
  reelvec embed film.mp4 --segmentation fixed:6 --option visual --scope clip --format ndjson
  reelvec embed https://example.org/film.mp4 --format arrow -o film.arrow
`;

const FLAGS = {
  segmentation: { type: 'string' },
  option: { type: 'string', multiple: true },
  scope: { type: 'string', multiple: true },
  type: { type: 'string', multiple: true },
  dimension: { type: 'string' },
  start: { type: 'string' },
  end: { type: 'string' },
  format: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

export async function run(args: string[]): Promise<void> {
  const { values, positionals, config: given } = readArguments(args, FLAGS);
  const source = onlyPositional(positionals, 'a file or URL');
  const types = words('type', values.type, ['separate', 'fused']) ?? ['separate'];
  const flags: EmbedFlags = {
    segmentation: values.segmentation === undefined ? undefined : parseSegmentation(values.segmentation),
    options: words<Option>('option', values.option, OPTIONS),
    scopes: words<Scope>('scope', values.scope, SCOPES) ?? DEFAULT_SCOPES,
    startSec: seconds('start', values.start) ?? 0,
    endSec: seconds('end', values.end),
    fused: !types.includes('fused') ? undefined : types.includes('separate') ? 'beside' : 'instead',
    dimension: values.dimension === undefined ? undefined : Number(values.dimension),
  };
  const format = words<Format>('format', [values.format ?? 'json'], FORMATS)?.[0] ?? 'json';

  const output = values.output === undefined ? undefined : callerPath(values.output);
  if (output !== undefined) await requireWritable(output, '--output');

  const folder = await mkdtemp(join(tmpdir(), 'reelvec-embed-'));
  const abort = new AbortController();
  const stop = () => abort.abort(new CommandError('Stopped.'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const progress = new ProgressLine();
  try {
    const blobs = new FolderBlobStore(folder);
    const located = await locate(source, { blobs, config: given, signal: abort.signal });
    const { path } = located;
    const config = await prepareConfig(given);
    await using workers = mediaWorkers(config, { size: config.workers });
    const [media, { embedFile }, { render }] = await Promise.all([
      workers.run<'probe'>({ kind: 'probe', path }, { signal: abort.signal }),
      // Imported while the worker starts.
      import('../tasks/embed-file.ts'),
      import('./embed-output.ts'),
    ]);
    const bundle = describeBundle(config.bundle);
    const request = completeRequest(flags, media, located);
    checkVectors(request, bundle);
    const { range, transcriptionSource, warnings } = await embedFile({
      path,
      media,
      request,
      bundle,
      limits: config,
      maxSegmentSec: config.maxSegmentSec,
      workers,
      blobs,
      resultKey: 'result.arrow',
      signal: abort.signal,
      onProgress: (fraction, doneSec) => progress.fraction(fraction, doneSec),
    });
    progress.clear();
    for (const warning of warnings) process.stderr.write(`reelvec: ${warning}\n`);
    await render({
      blobs,
      key: 'result.arrow',
      format,
      output,
      media,
      request,
      bundle,
      range,
      transcriptionSource,
      warnings,
    });
  } catch (error) {
    progress.clear();
    const isExpected = isReelvecError(error) || error instanceof WorkerLost || isInferenceServerError(error);
    if (isExpected) throw new CommandError((error as Error).message);
    throw error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Checks the bundle's models and returns settings for them. The `signal` bundle has none. */
async function prepareConfig(config: Config): Promise<Config> {
  if (config.bundle === SIGNAL.name) return config;
  const { prepareModels } = await import('../start/models.ts');
  return (await prepareModels(config)).config;
}

/** True for an error of an inference server, as reported by a worker. */
function isInferenceServerError(error: unknown): boolean {
  const names = ['InferenceServerUnavailable', 'InferenceServerRefusal', 'ProtocolFault'];
  return error instanceof Error && names.includes(error.name);
}

/** Local media file with its origin. */
interface LocatedMedia {
  readonly path: string;
  readonly filename: string;
  readonly source: Source;
}

/** Finds a local file, or downloads a URL. */
async function locate(
  source: string,
  { blobs, config, signal }: { blobs: FolderBlobStore; config: Config; signal: AbortSignal },
): Promise<LocatedMedia> {
  if (!/^https?:\/\//i.test(source)) {
    const path = callerPath(source);
    if (!(await stat(path).catch(() => undefined))?.isFile()) throw new CommandError(`There is no file ${path}.`);
    return { path, filename: basename(path), source: { kind: 'file' } };
  }
  const { filenameOf, parseSourceUrl } = await import('../sources/url.ts');
  const { UrlGuard } = await import('../sources/url-guard.ts');
  const { parseAllowList } = await import('../http/addresses.ts');
  const url = parseSourceUrl(source, { field: 'URL' });
  // The caller can reach private addresses without reelvec, so all are allowed.
  const urls = new UrlGuard({ allow: parseAllowList(['0.0.0.0/0', '::/0']) });
  try {
    await urls.fetchToBlob(blobs, 'source', url, { maxBytes: config.maxVideoBytes, signal });
  } finally {
    await urls.close();
  }
  return { path: join(blobs.root, 'source'), filename: filenameOf(url), source: { kind: 'url', url: source } };
}

/** Parsed flags of the command. */
interface EmbedFlags {
  readonly segmentation: Segmentation | undefined;
  readonly options: readonly Option[] | undefined;
  readonly scopes: readonly Scope[];
  readonly startSec: number;
  readonly endSec: number | undefined;
  readonly fused: TaskRequest['fused'];
  readonly dimension: number | undefined;
}

/** @throws {UsageError} for vectors that the bundle does not support */
function checkVectors({ fused, dimension = DIMENSION, options }: TaskRequest, bundle: BundleInfo): void {
  const { name, dimensions } = bundle;
  if (!dimensions.includes(dimension)) {
    throw new UsageError(`--dimension: the bundle "${name}" has vectors of ${dimensions.join(', ')} values.`);
  }
  if (!fused) return;
  if (options.length < 2) throw new UsageError('--type fused needs at least two options.');
  if (!shareSpace(bundle, options)) {
    const others = bundlesThat((other) => shareSpace(other, options));
    throw new UsageError(
      `--type fused: the vectors of these options do not compare with the bundle "${name}". ${others}`,
    );
  }
}

/** Adds the defaults that depend on the media type. */
function completeRequest(flags: EmbedFlags, media: MediaInfo, { source, filename }: LocatedMedia): TaskRequest {
  const isVideo = media.video !== undefined;
  if (!isVideo && flags.segmentation?.strategy === 'dynamic') {
    throw new UsageError('--segmentation dynamic follows the shots of a video: this is audio, use fixed.');
  }
  if (!isVideo && flags.options?.includes('visual'))
    throw new UsageError('--option visual: this file has no pictures.');
  const inputType = isVideo ? 'video' : 'audio';
  return {
    inputType,
    modelName: 'marengo3.0',
    source,
    filename,
    startSec: flags.startSec,
    ...(flags.endSec !== undefined && { endSec: flags.endSec }),
    segmentation: flags.segmentation ?? DEFAULT_SEGMENTATION[inputType],
    options: flags.options ?? DEFAULT_OPTIONS[inputType],
    scopes: flags.scopes,
    ...(flags.fused && { fused: flags.fused }),
    ...(flags.dimension !== undefined && flags.dimension !== DIMENSION && { dimension: flags.dimension }),
  };
}

function parseSegmentation(text: string): Segmentation {
  const match = /^(dynamic|fixed):(\d+)$/.exec(text);
  const value = Number(match?.[2]);
  if (match?.[1] === 'dynamic' && value >= 1 && value <= 5) return { strategy: 'dynamic', minDurationSec: value };
  if (match?.[1] === 'fixed' && value >= 1 && value <= 10) return { strategy: 'fixed', durationSec: value };
  throw new UsageError(`--segmentation takes dynamic:1 to dynamic:5 or fixed:1 to fixed:10: got "${text}".`);
}

function words<Word extends string>(
  flag: string,
  given: string[] | undefined,
  allowed: readonly Word[],
): Word[] | undefined {
  const wrong = given?.find((word) => !(allowed as readonly string[]).includes(word));
  if (wrong !== undefined) throw new UsageError(`--${flag} takes ${allowed.join(', ')}: got "${wrong}".`);
  return given && ([...new Set(given)] as Word[]);
}

function seconds(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() === '' || !(value >= 0) || !Number.isFinite(value))
    throw new UsageError(`--${flag} takes seconds: got "${given}".`);
  return value;
}
