import { createHash } from 'node:crypto';
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { ReelvecError } from '../../errors.ts';

export interface S3Options {
  readonly bucket: string;
  /** Empty, or ends in `/`. */
  readonly prefix: string;
  /** URL of an S3-compatible store other than Amazon's. */
  readonly endpoint?: string;
  readonly region: string;
  /** Uses `endpoint/bucket/key` instead of `bucket.endpoint/key`, as most self-hosted stores require. */
  readonly pathStyle: boolean;
}

const MAX_ATTEMPTS = 5;
const CONNECT_TIMEOUT_MS = 5_000;
/** Timeout without a received byte. Milliseconds. */
const IDLE_TIMEOUT_MS = 30_000;
/** Maximum connections to the store. */
const MAX_SOCKETS = 128;

/**
 * Opens an S3 client. Credentials come from the default chain of the AWS SDK: the environment, shared files, the
 * machine's role.
 */
export function openS3Client({ endpoint, region, pathStyle }: S3Options): S3Client {
  const client = new S3Client({
    region,
    endpoint,
    forcePathStyle: pathStyle,
    maxAttempts: MAX_ATTEMPTS,
    // Other stores support neither the trailing request checksums nor the response checksums that the SDK uses by
    // default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
      httpAgent: { maxSockets: MAX_SOCKETS },
      httpsAgent: { maxSockets: MAX_SOCKETS },
    },
  });
  digestDeletes(client);
  return client;
}

/** Adds an MD5 header to batch deletions. S3 required it before 2025; many stores still do, and none rejects it. */
function digestDeletes(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const request = args.request as { headers?: Record<string, string>; body?: unknown };
        if (commandName === 'DeleteObjectsCommand' && request.headers && typeof request.body === 'string') {
          request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64');
        }
        return next(args);
      },
    { step: 'build', name: 'digestDeletes', priority: 'low' },
  );
}

export function isNoSuchKey(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === 'NoSuchKey' || error.name === 'NotFound');
}

export function isOutOfRange(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 416;
}

/** Turns a known store error into one that names the remedy; returns any other error unchanged. */
export function explainS3(error: unknown): unknown {
  if (!(error instanceof S3ServiceException)) return error;
  if (error.name === 'QuotaExceeded' || error.$metadata.httpStatusCode === 507) {
    return new ReelvecError('service_unavailable', 'The server has no room left for media. Try again later.', {
      cause: error,
    });
  }
  return error;
}
