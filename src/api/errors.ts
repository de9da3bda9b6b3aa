import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { newId } from '../database/ids.ts';
import { isDatabaseUnavailable } from '../database/unavailable.ts';
import { isReelvecError, ReelvecError } from '../errors.ts';
import { RateLimited } from '../quotas/rate-limit.ts';
import { setRateLimits } from './rate-limits.ts';

const shape = {
  code: z.string().describe('error code, for programs'),
  message: z.string().describe('the value received, the values allowed and the next step, for people'),
  details: z.record(z.string(), z.unknown()).optional().describe('facts of the message, for programs'),
};

/** Error body: flat, and repeated under `error`, because clients expect either form. */
export const errorBody = z.object({ ...shape, error: z.object(shape) }).meta({
  title: 'Error',
  description: 'The request failed. The x-request-id header names it in the log of the server.',
});

/** Error responses of every operation, for the OpenAPI document. */
export const commonErrors = { 400: errorBody, 401: errorBody, 500: errorBody };

function renderError(error: ReelvecError): z.infer<typeof errorBody> {
  const { code, message, details } = error;
  const body = { code, message, ...(details && { details: { ...details } }) };
  return { ...body, error: body };
}

/** Converts any thrown value to a client error. An internal error becomes a generic 500. */
export function toClientError(error: unknown, request: FastifyRequest): ReelvecError {
  if (isReelvecError(error)) return error;
  if (isDatabaseUnavailable(error)) {
    // The AWS SDK adds `$metadata` to the network errors of its requests.
    const service = Object.hasOwn(error as object, '$metadata') ? 'bucket' : 'database';
    const sentence = `The server cannot reach its ${service}. Try again in some seconds.`;
    return new ReelvecError('service_unavailable', sentence, { cause: error });
  }
  const { statusCode: status = 500, code, message } = error as Partial<FastifyError>;
  if (status < 400 || status >= 500) {
    return new ReelvecError(
      'internal_server_error',
      `The server failed on this request. Try again; if it fails again, look for request ${request.id} in its log.`,
      { cause: error },
    );
  }
  if (status === 413) return bodyTooLarge(request, error);
  if (status === 415) {
    return new ReelvecError(
      'unsupported_media_type',
      'The Content-Type of the request is not understood here. Send application/json, or multipart/form-data to POST /assets.',
      { cause: error },
    );
  }
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY') {
    return new ReelvecError('parameter_not_provided', 'The body is empty. Send a JSON object.', { cause: error });
  }
  const sentence = message ?? STATUS_CODES[status] ?? 'The request is not valid.';
  return new ReelvecError('parameter_invalid', sentence, { status, cause: error });
}

function bodyTooLarge({ routeOptions, headers }: FastifyRequest, cause: unknown): ReelvecError {
  const limit = routeOptions.bodyLimit ?? 0;
  const declared = headers['content-length'];
  const size = declared === undefined ? `more than ${limit}` : declared;
  return new ReelvecError(
    'payload_too_large',
    `The body has ${size} bytes; this endpoint takes at most ${limit}. Send larger media as an asset (POST /assets, ` +
      'multipart/form-data) or in chunks (POST /assets/multipart-uploads), and name its asset_id.',
    { details: { limit_bytes: limit, ...(declared !== undefined && { bytes: Number(declared) }) }, cause },
  );
}

/** Builds the body of an error response. */
type RenderError = (error: ReelvecError) => unknown;

/** Sends an error response, and adds the error with its internal cause to the request's log event. */
export function sendError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  render: RenderError = renderError,
): void {
  const error = toClientError(thrown, request);
  if (request.event) {
    request.event.code = error.code;
    if (error.status >= 500) request.event.err = error.cause ?? error;
    else request.event.reason = error.message;
  }
  // Errors before routing have not passed the onRequest hook that sets this header.
  reply.header('x-request-id', request.id);
  if (error instanceof RateLimited) setRateLimits(reply, error.limits);
  if (error.retryAfterSec !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterSec));
  reply.code(error.status).header('content-type', 'application/json; charset=utf-8').serializer(JSON.stringify);
  reply.send(render(error));
}

/** Renders all errors of the app with `sendError`. */
export function installErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
}

/** Answers invalid HTTP and request timeouts with an error body, on the socket because there is no request yet. */
export function refuseConnection(fault: ConnectionError, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || !socket.writable) return void socket.destroy(fault);
  const [status, message] = CONNECTION_FAULTS[fault.code] ?? [400, 'This is not a valid HTTP request.'];
  const code = status === 408 ? 'request_canceled_or_timed_out' : 'parameter_invalid';
  const body = JSON.stringify(renderError(new ReelvecError(code, message)));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${newId()}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Status and message by Node's error code. */
const CONNECTION_FAULTS: Readonly<Record<string, [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'The headers of the request are too large.'],
};
