import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { Asset, UserMetadata } from '../../assets/repository.ts';
import type { AssetService } from '../../assets/service.ts';
import { ReelvecError } from '../../errors.ts';
import { parseSourceUrl } from '../../sources/url.ts';
import { commonErrors } from '../errors.ts';
import { validate } from '../validation.ts';
import { drain, type Form, readForm } from './form.ts';
import { assetBody } from './represent.ts';
import { AssetBody, AssetFields, AssetForm, UserMetadataField } from './schemas.ts';

/** How much of a refused upload is still taken, so that the client gets to read why. */
const DRAIN_BYTES = 256 * 1024 * 1024;

export const createAsset: FastifyPluginAsyncZod<{ assets: AssetService }> = async (app, { assets }) => {
  app.post(
    '/assets',
    {
      schema: {
        summary: 'Create an asset from a file or a URL',
        tags: ['assets'],
        consumes: ['multipart/form-data'],
        body: AssetForm,
        response: { ...commonErrors, 201: AssetBody },
      },
      // The schema is for the documentation: there is no body to check before the form was read.
      validatorCompiler: () => (value) => ({ value }),
    },
    async (request, reply) => {
      try {
        const form = await readForm(request, assets);
        const asset = await fromForm(form, request.owner, assets);
        return reply.code(201).send(assetBody(asset));
      } catch (error) {
        if (!(await drain(request.raw, DRAIN_BYTES))) reply.header('connection', 'close');
        throw error;
      }
    },
  );
};

async function fromForm({ fields, upload }: Form, owner: string, assets: AssetService): Promise<Asset> {
  let kept = false;
  try {
    const { method, url, filename, user_metadata } = checked(AssetFields, fields);
    const facts = { owner, filename, userMetadata: readMetadata(user_metadata) };
    if (method === 'url') {
      if (upload) throw unwanted('file', method);
      if (url === undefined) throw missing('url', method);
      return await assets.createFromUrl(parseSourceUrl(url, { field: 'url' }), facts);
    }
    if (url !== undefined) throw unwanted('url', method);
    if (!upload) throw missing('file', method);
    const asset = await assets.createDirect(upload, { ...facts, filename: filename ?? upload.filename });
    kept = true;
    return asset;
  } finally {
    if (upload && !kept) await assets.discard(upload);
  }
}

function readMetadata(text: string | undefined): UserMetadata | undefined {
  if (text === undefined) return undefined;
  let user_metadata: unknown;
  try {
    user_metadata = JSON.parse(text);
  } catch (error) {
    const message = 'user_metadata is not JSON. Send an object such as {"title": "Take 3"}.';
    throw new ReelvecError('parameter_invalid', message, { details: { field: 'user_metadata' }, cause: error });
  }
  return checked(UserMetadataField, { user_metadata }).user_metadata;
}

function checked<T extends z.ZodType>(schema: T, given: unknown): z.output<T> {
  const check = validate({ schema, method: 'POST', url: '/assets', httpPart: 'body' });
  const result = check(given) as { value: z.output<T>; error?: Error };
  if (result.error) throw result.error;
  return result.value;
}

function unwanted(field: string, method: string): ReelvecError {
  const message = `${field} does not go with method ${method}. Send file with direct, url with url.`;
  return new ReelvecError('parameter_invalid', message, { details: { field } });
}

function missing(field: string, method: string): ReelvecError {
  return new ReelvecError('parameter_not_provided', `${field} is needed with method ${method}.`, {
    details: { field },
  });
}
