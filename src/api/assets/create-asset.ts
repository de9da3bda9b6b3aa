import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { UserMetadata } from '../../assets/repository.ts';
import type { AssetService } from '../../assets/service.ts';
import type { Upload } from '../../assets/upload.ts';
import { ReelvecError } from '../../errors.ts';
import type { IdempotencyKeys } from '../../idempotency/keys.ts';
import { parseSourceUrl } from '../../sources/url.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { checked, type Form, readForm } from '../form.ts';
import { hangUpSignal } from '../hang-up.ts';
import { createOnce, idempotencyHeaders } from '../idempotency.ts';
import { assetOf } from './represent.ts';
import { createAssetFields, createAssetForm, createdAsset, userMetadataField } from './schemas.ts';

export interface CreateAssetDeps {
  readonly assets: AssetService;
  readonly idempotency: IdempotencyKeys;
}

export const createAssetRoute: FastifyPluginAsyncZod<CreateAssetDeps> = async (app, { assets, idempotency }) => {
  // On shutdown, uploads get the asset in its current state.
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  app.post(
    '/assets',
    {
      schema: {
        operationId: 'createAsset',
        summary: 'Create an asset from a file or a URL',
        description: 'The answer to an upload comes when the asset is ready or failed, within some seconds.',
        tags: ['assets'],
        consumes: ['multipart/form-data'],
        headers: idempotencyHeaders,
        body: createAssetForm,
        response: { ...commonErrors, 409: errorBody, 403: errorBody, 201: createdAsset },
      },
      // The schema is for the documentation only: the form is validated after it is read.
      validatorCompiler: () => (value) => ({ value }),
    },
    async (request, reply) => {
      const form = await readForm<Upload>(request, {
        files: ['file'],
        receive: (content) => assets.receive(content, request.owner),
        discard: (upload) => assets.discard(upload),
        advice: 'Send the asset as multipart/form-data, also with method url.',
      });
      const created = await fromForm(form, { request, reply }, { assets, idempotency });
      if (created.method !== 'direct') return reply.code(201).send(created);
      // Waits until the asset is usable, because the next request may refer to it.
      const signal = AbortSignal.any([hangUpSignal(reply), closing.signal]);
      const settled = await assets.settled(created._id, request.owner, signal);
      return reply.code(201).send(settled ? assetOf(settled) : created);
    },
  );
};

async function fromForm(
  { fields, files }: Form<Upload>,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { assets, idempotency }: CreateAssetDeps,
): Promise<z.infer<typeof createdAsset>> {
  const upload = files['file'];
  let kept = false;
  try {
    const { method, url, filename, user_metadata, enable_hls, enable_thumbnail } = checked(createAssetFields, fields);
    checked(idempotencyHeaders, request.headers);
    const extras = { hls: enable_hls === 'true', thumbnail: enable_thumbnail === 'true' };
    const facts = { owner: request.owner, filename, userMetadata: readMetadata(user_metadata), ...extras };
    // The file is part of the identity of an idempotent request.
    const sha256 = upload && 'idempotency-key' in request.headers ? await assets.sha256Of(upload) : upload?.sha256;
    const operation = { content: { ...fields, file: sha256 }, answer: assetOf };
    if (method === 'url') {
      if (upload) throw unwanted('file', method);
      if (url === undefined) throw missing('url', method);
      const source = parseSourceUrl(url, { field: 'url' });
      return await createOnce(idempotency, { request, reply }, operation, (onCreated) =>
        assets.createFromUrl(source, facts, onCreated),
      );
    }
    if (url !== undefined) throw unwanted('url', method);
    if (!upload) throw missing('file', method);
    return await createOnce(idempotency, { request, reply }, operation, async (onCreated) => {
      const asset = await assets.createDirect(
        { ...upload, sha256 },
        { ...facts, filename: filename ?? upload.filename },
        onCreated,
      );
      kept = true;
      return asset;
    });
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
  return checked(userMetadataField, { user_metadata }).user_metadata;
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
