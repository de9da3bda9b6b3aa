import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ReelvecError } from '../errors.ts';
import { hashKey, type KeyQuotas, type KeyRepository, sameHash } from '../keys/repository.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Id of the key that the request came with: whose tasks and assets it may see. */
    owner: string;
    /** What that key was made with. */
    quotas: KeyQuotas;
  }
}

export interface AuthDeps {
  /** Keys from the configuration, as text. */
  readonly apiKeys: readonly string[];
  readonly keys: Pick<KeyRepository, 'find'>;
}

/** Asks for a key on every route that is registered on `app` from now on. Nothing is cached: a revoked key ends at once. */
export function requireKey(app: FastifyInstance, { apiKeys, keys }: AuthDeps): void {
  const configured = apiKeys.map(hashKey).map((hash) => ({ hash, id: ownerOf(hash), quotas: {} }));
  app.decorateRequest('owner', '');
  app.decorateRequest('quotas', null!);
  app.addHook('onRequest', async (request) => {
    const key = keyOf(request);
    if (key === undefined) throw refused('No API key came with the request.');
    const hash = hashKey(key);
    // All are compared: where the match stands must not show in the time.
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

/** An id that stays the same for a key of the configuration, and does not tell its hash. */
function ownerOf(hash: string): string {
  return hashKey(`owner ${hash}`).slice(0, 24);
}

function refused(reason: string): ReelvecError {
  return new ReelvecError(
    'api_key_invalid',
    `${reason} Send one in the x-api-key header; \`reelvec keys create\` makes one.`,
  );
}
