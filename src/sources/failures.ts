import { errors } from 'undici';
import { type ErrorDetails, ReelvecError } from '../errors.ts';
import { ForbiddenAddress } from './connect.ts';

/** Failure of one attempt to read a URL. The message is the reason, as a clause for the client's error sentence. */
export class SourceFailure extends Error {
  /** True if another attempt may succeed. */
  readonly isRetryable: boolean;
  /** True if the host denied access or has nothing at the URL: status 401, 403, 404 or 410. */
  readonly isRefused: boolean;

  constructor(reason: string, options: { isRetryable: boolean; isRefused?: boolean; cause?: unknown }) {
    super(reason, { cause: options.cause });
    this.name = 'SourceFailure';
    this.isRetryable = options.isRetryable;
    this.isRefused = options.isRefused ?? false;
  }
}

/** Identifies a source in errors. */
export interface SourceName {
  /** Host of the URL. */
  readonly host: string;
  /** Path of the request parameter with the URL. */
  readonly field?: string;
}

/**
 * Error for clients: the host and the reason. It omits the URL's path and query, which may contain a signature.
 * @param advice a further sentence
 */
export function unreachable(source: SourceName, failure: SourceFailure, advice = ''): ReelvecError {
  const message = `The source at ${source.host} could not be read: ${failure.message}.${advice && ` ${advice}`}`;
  return new ReelvecError('source_unreachable', message, { details: detailsOf(source), cause: failure });
}

/** Error details of a source: its host, and the field if known. */
export function detailsOf({ host, field }: SourceName): ErrorDetails {
  return { ...(field !== undefined && { field }), host };
}

/** Reasons by error code of Node and undici. */
const REASONS: Record<string, { reason: string; isRetryable: boolean }> = {
  ENOTFOUND: { reason: 'the host name does not resolve; check its spelling', isRetryable: false },
  EAI_AGAIN: { reason: 'the name server did not answer', isRetryable: true },
  ECONNREFUSED: { reason: 'the host refused the connection', isRetryable: true },
  ECONNRESET: { reason: 'the host broke the connection off', isRetryable: true },
  EPIPE: { reason: 'the host broke the connection off', isRetryable: true },
  UND_ERR_SOCKET: { reason: 'the host broke the connection off', isRetryable: true },
  EHOSTUNREACH: { reason: 'there is no route to the host', isRetryable: true },
  ENETUNREACH: { reason: 'there is no route to the host', isRetryable: true },
  ETIMEDOUT: { reason: 'the connection timed out', isRetryable: true },
  UND_ERR_CONNECT_TIMEOUT: { reason: 'the connection timed out', isRetryable: true },
  UND_ERR_HEADERS_TIMEOUT: { reason: 'the host took too long to answer', isRetryable: true },
  UND_ERR_BODY_TIMEOUT: { reason: 'the transfer stalled', isRetryable: true },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { reason: 'the answer is shorter or longer than it said', isRetryable: true },
  UND_ERR_HEADERS_OVERFLOW: { reason: 'the answer has too many headers', isRetryable: false },
};

/** Converts an error of undici, the socket or the resolver to a `SourceFailure` with a readable reason. */
export function toSourceFailure(error: unknown): SourceFailure {
  if (error instanceof SourceFailure) return error;
  if (error instanceof ForbiddenAddress) {
    const reason = `${error.address} is not a public address; the operator can allow it with REELVEC_URL_ALLOW`;
    return new SourceFailure(reason, { isRetryable: false, cause: error });
  }
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  const known = REASONS[code];
  if (known) return new SourceFailure(known.reason, { isRetryable: known.isRetryable, cause: error });
  if (/^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(code)) {
    return new SourceFailure(`its TLS certificate or handshake is not accepted (${code})`, {
      isRetryable: false,
      cause: error,
    });
  }
  if (error instanceof errors.HTTPParserError) {
    return new SourceFailure('the host does not answer in proper HTTP', { isRetryable: true, cause: error });
  }
  return new SourceFailure(`the connection failed${code && ` (${code})`}`, { isRetryable: true, cause: error });
}
