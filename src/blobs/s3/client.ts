import { createHash } from 'node:crypto';
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { ReelvecError } from '../../errors.ts';

export interface S3Options {
  readonly bucket: string;
  /** Empty, or ends in `/`. */
  readonly prefix: string;
  /** URL of a store that is not Amazon's. */
  readonly endpoint?: string;
  readonly region: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`, as most stores of one's own need it. */
  readonly pathStyle: boolean;
}

const ATTEMPTS = 5;
const CONNECT_TIMEOUT_MS = 5_000;
/** Without a byte, in milliseconds. */
const IDLE_TIMEOUT_MS = 30_000;
/** Connections to the store at the most. */
const SOCKETS = 128;

/** Credentials come from where the AWS SDK looks for them: the environment, shared files, the machine's role. */
export function openS3Client({ endpoint, region, pathStyle }: S3Options): S3Client {
  const client = new S3Client({
    region,
    endpoint,
    forcePathStyle: pathStyle,
    maxAttempts: ATTEMPTS,
    // Stores that are not Amazon's know neither the trailing checksums nor those in answers that the SDK has by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
      httpAgent: { maxSockets: SOCKETS },
      httpsAgent: { maxSockets: SOCKETS },
    },
  });
  digestDeletes(client);
  return client;
}

/** Before 2025 a deletion of many objects had to carry an MD5; many stores still ask for it, and none minds it. */
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

/** An error of the store as one that says what to do, or as it is when that is not known. */
export function explainS3(error: unknown): unknown {
  if (!(error instanceof S3ServiceException)) return error;
  if (error.name === 'QuotaExceeded' || error.$metadata.httpStatusCode === 507) {
    return new ReelvecError('service_unavailable', 'The server has no room left for media. Try again later.', {
      cause: error,
    });
  }
  return error;
}
