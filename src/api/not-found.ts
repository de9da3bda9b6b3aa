import type { FastifyInstance } from 'fastify';
import { ReelvecError } from '../errors.ts';

/** Path prefix of the API version, often missing in the base URL of clients. */
const VERSION = '/v1.3';
/** Maximum characters of the path in the error message. */
const MAX_SHOWN_PATH = 200;

/**
 * Answers 404 for unknown paths, and suggests the right path if only the version is missing or wrong. Call it before
 * registering routes.
 */
export function installNotFound(app: FastifyInstance): void {
  /** First path segments below the version: `embed-v2`, `assets`. */
  const collections = new Set<string>();
  app.addHook('onRoute', ({ url }) => {
    const [, collection] = url.startsWith(`${VERSION}/`) ? url.slice(VERSION.length).split('/') : [];
    if (collection) collections.add(collection);
  });
  app.setNotFoundHandler(({ method, url }) => {
    const path = url.split('?', 1)[0]!.slice(0, MAX_SHOWN_PATH);
    const unversioned = path.replace(/^\/v\d[^/]*(?=\/)/, '');
    const isMeant = !path.startsWith(`${VERSION}/`) && collections.has(unversioned.split('/')[1]!);
    const advice = isMeant
      ? `The API lies below ${VERSION}: ask for ${VERSION}${unversioned}, or add ${VERSION} to the base URL of your client.`
      : 'See /docs for what there is.';
    throw new ReelvecError('resource_not_exist', `There is no ${method} ${path}. ${advice}`);
  });
}
