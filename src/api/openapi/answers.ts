import { RESULT_TYPES } from '../../tasks/results/formats.ts';
import { type Answer, type Document, type JsonObject, type Operation, operationsOf } from './types.ts';

const ERROR = { $ref: '#/components/schemas/Error' };
const OPENAI_ERROR = { $ref: '#/components/schemas/OpenAiError' };
const TEXT = { type: 'string' };
const BINARY = { type: 'string', contentEncoding: 'binary' };
const EMBEDDING = { $ref: '#/components/schemas/EmbeddingData' };

/** Error responses shared by all operations to which `applies` holds, in addition to those of the route. */
const COMMON: readonly [status: string, description: string, applies: (operation: Operation) => boolean][] = [
  ['400', 'The request is not valid; the message names the field and the rule.', () => true],
  ['401', 'The API key is missing, unknown or revoked.', hasKey],
  ['408', 'The body did not arrive whole, or in time.', hasBody],
  ['413', 'The body is larger than this endpoint takes; the message names the limit and the alternatives.', hasBody],
  ['415', 'The `Content-Type` is not one of those above, or there is a `Content-Encoding`.', hasBody],
  ['429', 'A limit was reached, and nothing was done. `Retry-After` says when to try again.', hasJsonBody],
  ['500', 'The server failed. The `x-request-id` header names the request in its log.', () => true],
  ['503', 'The server cannot work right now. Try again in some seconds.', () => true],
];

const header = (description: string, schema: JsonObject = TEXT): JsonObject => ({ description, schema });
const REQUEST_ID = header('names the request in the log of the server');
const RETRY_AFTER = header('seconds after which to try again', { type: 'integer' });
const BUNDLE = header('name and revision of the bundle that made the vectors');
const ETAG = header('entity tag');
const RATE_LIMITS = Object.fromEntries([
  ['X-Ratelimit-Dimensions', header('the limits of the key, if any: `Task` and `Duration`')],
  ...['Task', 'Duration'].flatMap((dimension) =>
    ['Limit', 'Used', 'Remaining'].map((what) => [
      `X-Ratelimit-${dimension}-${what}`,
      header(dimension === 'Task' ? 'tasks at the same time' : 'seconds of media in a day', { type: 'integer' }),
    ]),
  ),
  ['X-Ratelimit-Duration-Reset', header('end of the day, in seconds since 1970', { type: 'integer' })],
]);

/** Schema of one event of the stream. */
const SERVER_SENT_EVENT = {
  description: 'one event of the stream',
  type: 'object',
  properties: {
    id: { type: 'string', description: 'value of `Last-Event-ID` to resume after this event' },
    event: { type: 'string', enum: ['progress', 'segment', 'ready', 'failed'] },
    data: { type: 'string', description: 'a JSON object' },
  },
  required: ['event', 'data'],
};

/** Headers and media types of individual responses, by operation and status. */
const BY_OPERATION: Readonly<Record<string, Readonly<Record<string, Partial<Answer>>>>> = {
  create: {
    202: { headers: { Location: header('absolute URL to poll'), ...RATE_LIMITS } },
    429: { headers: RATE_LIMITS },
  },
  createEmbedding: { 200: { headers: { 'Reelvec-Bundle': BUNDLE, ...RATE_LIMITS } }, 429: { headers: RATE_LIMITS } },
  createTextImageAudioEmbeddings: { 200: { headers: { 'Reelvec-Bundle': BUNDLE, ...RATE_LIMITS } } },
  createOpenAiEmbeddings: { 200: { headers: { 'Reelvec-Bundle': BUNDLE } } },
  createVideoTask: { 200: { headers: RATE_LIMITS }, 429: { headers: RATE_LIMITS } },
  retrieveVideoTask: { 200: { headers: { 'Reelvec-Bundle': BUNDLE } } },
  retrieveTask: {
    200: {
      headers: { ETag: ETAG, 'Reelvec-Bundle': BUNDLE },
      content: {
        [RESULT_TYPES.ndjson]: { schema: { description: 'one vector per line', ...EMBEDDING } },
        [RESULT_TYPES.arrow]: { schema: { description: 'Apache Arrow file', ...BINARY } },
        [RESULT_TYPES.parquet]: { schema: { description: 'Apache Parquet file', ...BINARY } },
      },
    },
  },
  followTask: { 200: { content: { 'text/event-stream': { schema: SERVER_SENT_EVENT } } } },
  retrieveThumbnail: { 200: { content: { 'image/jpeg': { schema: BINARY } } } },
  uploadChunk: { 200: { headers: { ETag: header('`proof` for the report of the chunk') } } },
  metrics: { 200: { description: 'Metrics', content: { 'text/plain': { schema: TEXT } } } },
};
/** Operations whose response is not JSON although their route declares a schema. */
const NOT_JSON = new Set(['followTask', 'retrieveThumbnail', 'metrics']);

/** Operations whose errors have the shape of the OpenAI API. */
const OPENAI = new Set(['createOpenAiEmbeddings']);

/** Completes the responses of all operations: shared errors, headers, and media types other than JSON. */
export function describeAnswers(document: Document): void {
  for (const operation of operationsOf(document)) {
    const { operationId: id, responses } = operation;
    for (const [status, description, applies] of COMMON) {
      if (!applies(operation)) continue;
      const schema = OPENAI.has(id) ? OPENAI_ERROR : ERROR;
      responses[status] = { description, content: { 'application/json': { schema } } };
    }
    for (const [status, more] of Object.entries(BY_OPERATION[id] ?? {})) {
      const answer: Answer = responses[status] ?? { description: '' };
      const json = NOT_JSON.has(id) ? {} : answer.content;
      responses[status] = { ...answer, ...more, ...(more.content && { content: { ...json, ...more.content } }) };
    }
    for (const [status, answer] of Object.entries(responses)) {
      answer.description ||= 'Done.';
      answer.headers = {
        'x-request-id': REQUEST_ID,
        ...(['429', '503'].includes(status) && { 'Retry-After': RETRY_AFTER }),
        ...answer.headers,
      };
    }
  }
}

function hasKey({ security }: Operation): boolean {
  return security === undefined || security.length > 0;
}

function hasBody({ requestBody }: Operation): boolean {
  return requestBody !== undefined;
}

function hasJsonBody({ requestBody }: Operation): boolean {
  return requestBody?.content['application/json'] !== undefined;
}
