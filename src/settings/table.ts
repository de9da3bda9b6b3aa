import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import querystring from 'node:querystring';
import { z } from 'zod';
import { BLOBS_PATTERN } from './blob-location.ts';
import {
  bytes,
  duration,
  folder,
  GIGABYTE,
  httpUrl,
  list,
  MEGABYTE,
  modelNames,
  port,
  quota,
  toMs,
} from './schemas.ts';
import { setting } from './setting.ts';
import { webhooks } from './webhooks.ts';

/**
 * Execution providers for models. `auto` selects the best one available; any other value fails if it is unavailable.
 */
const DEVICES = ['auto', 'cpu', 'cuda', 'coreml', 'dml'] as const;
export type Device = (typeof DEVICES)[number];

/** Trait of settings that are the path of a folder. */
const IS_PATH = { resolvePaths: (text: string, resolve: (path: string) => string) => resolve(text) };

/** True if a bundle setting is the path of a bundle file rather than a name. */
export function isBundlePath(name: string): boolean {
  return name.endsWith('.json') || name.includes('/') || name.includes('\\');
}

/**
 * All settings by property of `Config`, in the order of `--help`. Properties are in the unit of their name; the transforms
 * convert from the unit of the variable. Defaults that depend on other settings are in `readConfig`.
 */
export const SETTINGS = {
  host: setting('REELVEC_HOST', z.string().min(1).default('127.0.0.1'), 'address to listen on'),
  port: setting('REELVEC_PORT', port.default(1212), 'port to listen on; 0 picks a free one'),
  publicUrl: setting('REELVEC_PUBLIC_URL', httpUrl.optional(), 'URL under which clients reach the server'),
  dataDir: setting(
    'REELVEC_DATA_DIR',
    folder.default('./data').transform((path) => resolve(path)),
    'folder for the database, media and results',
    IS_PATH,
  ),
  blobs: setting(
    'REELVEC_BLOBS',
    z
      .string()
      .regex(BLOBS_PATTERN, { error: 'must be file:FOLDER or s3://BUCKET/PREFIX, the prefix in lower case' })
      .optional(),
    'storage for media and results: file:FOLDER or s3://BUCKET/PREFIX; default: the data folder',
    { resolvePaths: (text, resolve) => text.replace(/^file:(.+)$/s, (_, path) => `file:${resolve(path)}`) },
  ),
  s3: {
    endpoint: setting(
      'REELVEC_S3_ENDPOINT',
      httpUrl.optional(),
      'URL of an S3-compatible store; default: Amazon S3. Credentials come from the AWS SDK (AWS_ACCESS_KEY_ID…)',
    ),
    publicEndpoint: setting(
      'REELVEC_S3_PUBLIC_ENDPOINT',
      httpUrl.optional(),
      'S3 URL for direct uploads from clients; default: the S3 endpoint',
    ),
    region: setting('REELVEC_S3_REGION', z.string().min(1).default('us-east-1'), 'bucket region'),
    pathStyle: setting(
      'REELVEC_S3_PATH_STYLE',
      z.enum(['true', 'false']).optional(),
      'put the bucket in the URL path instead of the host; default: true if an S3 endpoint is set',
    ),
  },
  cacheDir: setting(
    'REELVEC_CACHE_DIR',
    folder.optional(),
    'cache folder for media blocks from S3; default: cache in the data folder',
    IS_PATH,
  ),
  cacheBytes: setting('REELVEC_CACHE_BYTES', bytes(4 * GIGABYTE), 'maximum size of the cache in bytes'),
  /** PostgreSQL URL; undefined selects SQLite in the data folder. */
  databaseUrl: setting(
    'REELVEC_DATABASE_URL',
    z.url({ protocol: /^postgres(ql)?$/ }).optional(),
    'PostgreSQL database shared by several nodes; default: SQLite in the data folder',
    { secretsIn: (url) => (url === undefined ? [] : passwordsIn(url)) },
  ),
  /** Retention of results after a task ends; undefined keeps them. */
  resultTtlMs: setting(
    'REELVEC_RESULT_TTL',
    duration('7d'),
    'retention of results after a task ends: 7d, 12h, or never to keep them',
  ),
  /** Retention of assets; undefined keeps them. */
  assetTtlMs: setting('REELVEC_ASSET_TTL', duration('never'), 'retention of assets: 30d, 12h, or never to keep them'),
  apiKeys: setting(
    'REELVEC_API_KEYS',
    list,
    'comma-separated API keys, in addition to those from `reelvec keys create`',
    { secretsIn: (keys) => keys },
  ),
  /** Private hosts and CIDRs that source URLs may access. */
  urlAllow: setting('REELVEC_URL_ALLOW', list, 'comma-separated private hosts or CIDRs that source URLs may access'),
  /** Name of a bundle, or the path of a bundle file; undefined selects the choice of `reelvec models use`. */
  bundle: setting(
    'REELVEC_BUNDLE',
    z.string().min(1).optional(),
    'bundle of encoders that serves marengo3.0; default: the choice of `reelvec models use`, else signal',
    { resolvePaths: (text, resolve) => (isBundlePath(text) ? resolve(text) : text) },
  ),
  /** Model names that requests may have, in addition to the bundle's. */
  modelNames: setting(
    'REELVEC_MODEL_NAMES',
    modelNames,
    'comma-separated model names that requests may have; marengo3.5 has shapes of its own, all others those of marengo3.0; ' +
      'default: marengo3.0,marengo3.5',
  ),
  /** Media worker processes; 0 leaves the work to other nodes. */
  workers: setting(
    'REELVEC_WORKERS',
    z.coerce.number().int().min(0).max(256).default(availableParallelism()),
    'media worker processes; default: one per core; 0: leave the work to other nodes',
  ),
  queryWorkers: setting(
    'REELVEC_QUERY_WORKERS',
    z.coerce.number().int().min(1).max(256).default(1),
    'worker processes for text and image queries, plus the same number for audio and video queries',
  ),
  workerMemoryBytes: setting(
    'REELVEC_WORKER_MEMORY_MB',
    z.coerce
      .number()
      .int()
      .min(128)
      .transform((megabytes) => megabytes * MEGABYTE)
      .optional(),
    'memory limit of a media worker in MB; default: its share of the machine, 512 to 2048',
  ),
  /** Time without progress before a media worker is killed. */
  workerSilenceMs: setting(
    'REELVEC_WORKER_SILENCE_SEC',
    z.coerce.number().min(1).default(60).transform(toMs),
    'seconds without progress before a media worker is killed',
  ),
  workerPort: setting(
    'REELVEC_WORKER_PORT',
    port.optional(),
    'port for health checks and metrics of `reelvec worker`; default: none',
  ),
  workerNice: setting(
    'REELVEC_WORKER_NICE',
    z.coerce.number().int().min(0).max(19).default(10),
    'nice value of `reelvec worker`; its media workers get 10 more',
  ),
  drainMs: setting(
    'REELVEC_DRAIN_SEC',
    z.coerce.number().min(0).max(10).transform(toMs).optional(),
    'seconds between reporting not ready and refusing connections; default: 2 with PostgreSQL, else 0',
  ),
  maxVideoBytes: setting('REELVEC_MAX_VIDEO_BYTES', bytes(4 * GIGABYTE), 'maximum size of a video in bytes'),
  maxAudioBytes: setting('REELVEC_MAX_AUDIO_BYTES', bytes(2 * GIGABYTE), 'maximum size of an audio file in bytes'),
  maxImageBytes: setting('REELVEC_MAX_IMAGE_BYTES', bytes(32 * MEGABYTE), 'maximum size of an image in bytes'),
  /** Default quotas, for keys without their own; an absent quota is unlimited. */
  quotas: {
    bytes: setting(
      'REELVEC_QUOTA_BYTES',
      quota(z.coerce.number().int()),
      'bytes of assets per key; default: unlimited',
    ),
    tasks: setting(
      'REELVEC_QUOTA_TASKS',
      quota(z.coerce.number().int()),
      'concurrent tasks per key; default: unlimited',
    ),
    minutesPerDay: setting(
      'REELVEC_QUOTA_MINUTES_PER_DAY',
      quota(z.coerce.number()),
      'minutes of media embedded per key and day; default: unlimited',
    ),
  },
  maxUploadBytes: setting(
    'REELVEC_MAX_UPLOAD_BYTES',
    bytes(200 * MEGABYTE),
    'maximum size of a direct asset upload in bytes',
  ),
  /** Limit on the JSON request bodies in memory at once. */
  maxBodyBytes: setting(
    'REELVEC_MAX_BODY_BYTES',
    bytes(256 * MEGABYTE),
    'bytes of JSON request bodies in memory, at most half of it per key; excess requests get 429',
  ),
  maxSegmentSec: setting(
    'REELVEC_MAX_SEGMENT_SEC',
    z.coerce.number().min(10).max(60).default(10),
    'maximum length of a dynamic segment in seconds; longer shots are split evenly',
  ),
  webhooks: setting(
    'REELVEC_WEBHOOKS',
    webhooks,
    'webhook endpoints for finished tasks: JSON list of {"url", "secret"}, optionally with "events"; see docs/events.md',
    // Chat services put the secret of a webhook into the path of its URL.
    { secretsIn: (endpoints) => endpoints.flatMap(({ secret, url }) => [secret, new URL(url).pathname]) },
  ),
  modelsDir: setting(
    'REELVEC_MODELS_DIR',
    folder.optional(),
    'folder for models; default: models in the data folder',
    IS_PATH,
  ),
  modelsAutopull: setting(
    'REELVEC_MODELS_AUTOPULL',
    z.stringbool().default(false),
    '1 downloads missing models at startup',
  ),
  device: setting(
    'REELVEC_DEVICE',
    z.enum(DEVICES).default('auto'),
    'device for models: auto, cpu, cuda, coreml or dml; startup fails if a device other than auto is unavailable',
  ),
  modelIdleMs: setting(
    'REELVEC_MODEL_IDLE_SEC',
    z.coerce.number().min(1).max(86_400).default(600).transform(toMs),
    'idle seconds before a worker unloads a model',
  ),
  /** Access to inference servers. */
  inference: {
    urls: setting(
      'REELVEC_INFERENCE_URLS',
      list.pipe(
        z.array(
          z
            .url({ protocol: /^https?$/, error: 'must be URLs of http or https' })
            .refine(
              (url) => new URL(url).username === '',
              'must not have a user in a URL: set REELVEC_INFERENCE_AUTHORIZATION',
            ),
        ),
      ),
      'comma-separated URLs of Open Inference Protocol servers, for bundles that use them',
    ),
    /** Value of the `Authorization` header. */
    authorization: setting(
      'REELVEC_INFERENCE_AUTHORIZATION',
      z
        .string()
        .regex(/^[\t\x20-\x7e]+$/, 'must be printable ASCII, as the value of an HTTP header')
        .optional(),
      'Authorization header for the inference servers, such as `Bearer …`',
      { secretsIn: (header) => [header?.replace(/^(Bearer|Basic) +/i, '')] },
    ),
    /** Concurrent requests per worker and server. */
    inFlight: setting(
      'REELVEC_INFERENCE_IN_FLIGHT',
      z.coerce.number().int().min(1).max(256).default(4),
      'concurrent requests per worker to each inference server',
    ),
    /** Timeout of one request. */
    timeoutMs: setting(
      'REELVEC_INFERENCE_TIMEOUT_SEC',
      z.coerce.number().min(0.1).max(600).default(30).transform(toMs),
      'timeout of an inference request in seconds',
    ),
    /** Time for which a failed request is retried. */
    patienceMs: setting(
      'REELVEC_INFERENCE_PATIENCE_SEC',
      z.coerce.number().min(0).max(600).default(60).transform(toMs),
      'seconds for which a failed inference request is retried',
    ),
  },
  logLevel: setting(
    'REELVEC_LOG_LEVEL',
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    'minimum log level',
  ),
};

/** Password of a URL, as written and decoded. */
function passwordsIn(url: string): readonly string[] {
  const { password } = new URL(url);
  return [password, querystring.unescape(password)];
}
