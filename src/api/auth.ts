import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ReelvecError } from '../errors.ts';
import { hashKey, type KeyQuotas, type KeyRepository, sameHash } from '../keys/repository.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Id of the API key, which owns the tasks and assets of the request. */
    owner: string;
    /** Quotas of the key; empty for a key from the configuration. */
    quotas: KeyQuotas;
  }
}

export interface AuthDeps {
  /** Plain text keys from the configuration. */
  readonly apiKeys: readonly string[];
  readonly keys: Pick<KeyRepository, 'find'>;
}

/**
 * Requires an API key on all routes registered on `app` after this call. Nothing is cached, so a revocation applies
 * immediately.
 */
export function requireKey(app: FastifyInstance, { apiKeys, keys }: AuthDeps): void {
  const configured = apiKeys.map(hashKey).map((hash) => ({ hash, id: ownerOf(hash), quotas: {} }));
  app.decorateRequest('owner', '');
  app.decorateRequest('quotas', null!);
  app.addHook('onRequest', async (request) => {
    const key = keyOf(request);
    if (key === undefined) throw refused('No API key came with the request.');
    const hash = hashKey(key);
    // Compares with all keys, so that the response time does not reveal the position of the match.
    const matches = configured.filter((candidate) => sameHash(candidate.hash, hash));
    const known = matches[0] ?? (await keys.find(key));
    if (!known) throw refused('The API key is not known, or was revoked.');
    request.owner = known.id;
    request.quotas = known.quotas;
    request.event.owner = known.id;
  });
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  const own = headers['x-api-key'];
  if (typeof own === 'string' && own !== '') return own;
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
}

/** Stable owner id of a configured key, which does not reveal the key's hash. */
function ownerOf(hash: string): string {
  return hashKey(`owner ${hash}`).slice(0, 24);
}

function refused(reason: string): ReelvecError {
  return new ReelvecError(
    'api_key_invalid',
    `${reason} Send one in the x-api-key header; \`reelvec keys create\` makes one.`,
  );
}
