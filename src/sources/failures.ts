import { errors } from 'undici';
import { type ErrorDetails, ReelvecError } from '../errors.ts';
import { ForbiddenAddress } from './connect.ts';

/** Why one attempt to read a URL did not work out, and whether another attempt may. */
export class SourceFailure extends Error {
  readonly again: boolean;
  /** The host answered that there is nothing at the link, or nothing for us. */
  readonly refused: boolean;

  constructor(reason: string, options: { again: boolean; refused?: boolean; cause?: unknown }) {
    super(reason, { cause: options.cause });
    this.name = 'SourceFailure';
    this.again = options.again;
    this.refused = options.refused ?? false;
  }
}

/** What a source is, for errors: the host of its URL, and the path of the parameter that holds it. */
export interface SourceName {
  readonly host: string;
  readonly field?: string;
}

/** What clients are told: which host, what happened. The path and query of the URL may hold a signature and stay out. */
export function unreachable(source: SourceName, failure: SourceFailure, advice = ''): ReelvecError {
  const message = `The source at ${source.host} could not be read: ${failure.message}.${advice && ` ${advice}`}`;
  return new ReelvecError('source_unreachable', message, { details: detailsOf(source), cause: failure });
}

export function detailsOf({ host, field }: SourceName): ErrorDetails {
  return { ...(field !== undefined && { field }), host };
}

const REASONS: Record<string, { reason: string; again: boolean }> = {
  ENOTFOUND: { reason: 'the host name does not resolve; check its spelling', again: false },
  EAI_AGAIN: { reason: 'the name server did not answer', again: true },
  ECONNREFUSED: { reason: 'the host refused the connection', again: true },
  ECONNRESET: { reason: 'the host broke the connection off', again: true },
  EPIPE: { reason: 'the host broke the connection off', again: true },
  UND_ERR_SOCKET: { reason: 'the host broke the connection off', again: true },
  EHOSTUNREACH: { reason: 'there is no route to the host', again: true },
  ENETUNREACH: { reason: 'there is no route to the host', again: true },
  ETIMEDOUT: { reason: 'the connection timed out', again: true },
  UND_ERR_CONNECT_TIMEOUT: { reason: 'the connection timed out', again: true },
  UND_ERR_HEADERS_TIMEOUT: { reason: 'the host took too long to answer', again: true },
  UND_ERR_BODY_TIMEOUT: { reason: 'the transfer stalled', again: true },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { reason: 'the answer is shorter or longer than it said', again: true },
  UND_ERR_HEADERS_OVERFLOW: { reason: 'the answer has too many headers', again: false },
};

/** Puts what undici, the socket or the name server threw into words. */
export function explain(error: unknown): SourceFailure {
  if (error instanceof SourceFailure) return error;
  if (error instanceof ForbiddenAddress) {
    const reason = `${error.address} is not a public address; the operator can allow it with REELVEC_URL_ALLOW`;
    return new SourceFailure(reason, { again: false, cause: error });
  }
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  const known = REASONS[code];
  if (known) return new SourceFailure(known.reason, { again: known.again, cause: error });
  if (/^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(code)) {
    return new SourceFailure(`its TLS certificate or handshake is not accepted (${code})`, {
      again: false,
      cause: error,
    });
  }
  if (error instanceof errors.HTTPParserError) {
    return new SourceFailure('the host does not answer in proper HTTP', { again: true, cause: error });
  }
  return new SourceFailure(`the connection failed${code && ` (${code})`}`, { again: true, cause: error });
}
