import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { UserMetadata } from '../../assets/repository.ts';
import type { AssetService } from '../../assets/service.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { validateWithNulls } from '../validation.ts';
import { assetParams, scalar, userMetadata } from './schemas.ts';

const scalarOrNull = z.union([scalar, z.null()], { error: 'must be a string, a number, a boolean or null.' });

const described = {
  tags: ['assets'],
  params: assetParams,
  response: { ...commonErrors, 404: errorBody, 204: z.undefined() },
};

/** User metadata of an asset: `PATCH` merges, `PUT` replaces, `DELETE` clears. */
export const userMetadataRoutes: FastifyPluginAsyncZod<{ assets: AssetService }> = async (app, { assets }) => {
  const url = '/assets/:asset_id/user-metadata';
  app.patch(
    url,
    {
      schema: {
        ...described,
        operationId: 'updateUserMetadata',
        summary: 'Change the user metadata of an asset',
        body: z
          .object({ user_metadata: z.record(z.string(), scalarOrNull) })
          .strict()
          .meta({
            description: 'null removes a key; an empty string leaves it unchanged',
            examples: [{ user_metadata: { title: 'Take 3', reviewed: true, draft: null } }],
          }),
      },
      // Here null removes a key; elsewhere it means absent.
      validatorCompiler: (part) => validateWithNulls(part as never),
    },
    async ({ owner, params, body }, reply) => {
      await assets.changeUserMetadata(params.asset_id, owner, (now) => merged(now, body.user_metadata));
      return reply.code(204).send();
    },
  );
  app.put(
    url,
    {
      schema: {
        ...described,
        operationId: 'replaceUserMetadata',
        summary: 'Replace the user metadata of an asset',
        body: z.strictObject({ user_metadata: userMetadata }).meta({
          description: 'keys with an empty string are dropped',
          examples: [{ user_metadata: { title: 'Take 3', reviewed: true } }],
        }),
      },
    },
    async ({ owner, params, body }, reply) => {
      await assets.changeUserMetadata(params.asset_id, owner, () => merged({}, body.user_metadata));
      return reply.code(204).send();
    },
  );
  app.delete(
    url,
    { schema: { ...described, operationId: 'deleteUserMetadata', summary: 'Remove the user metadata of an asset' } },
    async ({ owner, params }, reply) => {
      await assets.changeUserMetadata(params.asset_id, owner, () => ({}));
      return reply.code(204).send();
    },
  );
};

function merged(now: UserMetadata, changes: Readonly<Record<string, string | number | boolean | null>>): UserMetadata {
  const entries = new Map(Object.entries(now));
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) entries.delete(key);
    else if (value !== '') entries.set(key, value);
  }
  return Object.fromEntries(entries);
}
