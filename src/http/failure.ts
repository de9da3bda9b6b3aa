import { errors } from 'undici';
import { ForbiddenAddress } from './connect.ts';

/** Failure of one HTTP request. The message is the reason, as a clause for an error sentence: `the host …`, `it …`. */
export class HttpFailure extends Error {
  override name = 'HttpFailure';
  /** True if another attempt may succeed. */
  readonly isRetryable: boolean;
  /** Delay that the host requests in `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Status of the response, if the response is the failure. */
  readonly status: number | undefined;
  /** Error code of Node or undici. */
  readonly code: string | undefined;
  /** Host of a request without a response. After a redirect it differs from the host of the first URL. */
  readonly host: string | undefined;

  constructor(reason: string, { isRetryable, retryAfterMs, status, code, host, cause }: HttpFailureOptions) {
    super(reason, { cause });
    this.isRetryable = isRetryable;
    this.retryAfterMs = retryAfterMs;
    this.status = status;
    this.code = code;
    this.host = host;
  }
}

type HttpFailureOptions = Pick<HttpFailure, 'isRetryable'> &
  Partial<Pick<HttpFailure, 'retryAfterMs' | 'status' | 'code' | 'host' | 'cause'>>;

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

/**
 * Converts an error of undici, the socket or the resolver to an `HttpFailure` with a readable reason.
 * @param host of the request
 */
export function toHttpFailure(error: unknown, host?: string): HttpFailure {
  if (error instanceof HttpFailure) return error;
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  const { reason, isRetryable } = explain(error, code);
  return new HttpFailure(reason, { isRetryable, code, host, cause: error });
}

function explain(error: unknown, code: string): { reason: string; isRetryable: boolean } {
  if (error instanceof ForbiddenAddress) {
    const reason = `${error.address} is not a public address; the operator can allow it with REELVEC_URL_ALLOW`;
    return { reason, isRetryable: false };
  }
  const known = REASONS[code];
  if (known) return known;
  if (/^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(code)) {
    return { reason: `its TLS certificate or handshake is not accepted (${code})`, isRetryable: false };
  }
  if (error instanceof errors.HTTPParserError) {
    return { reason: 'the host does not answer in proper HTTP', isRetryable: true };
  }
  return { reason: `the connection failed${code && ` (${code})`}`, isRetryable: true };
}
