import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { sha256OfBlob } from '../../blobs/hash-blob.ts';
import { ReelvecError, withFieldNames } from '../../errors.ts';
import { createTask, discardUpload, storeTaskUpload } from '../../tasks/create.ts';
import { DEFAULT_OPTIONS } from '../../tasks/defaults.ts';
import type { Task } from '../../tasks/repository.ts';
import type { Source, TaskRequest } from '../../tasks/request.ts';
import { sourceKey } from '../../tasks/work.ts';
import type { EmbedDeps } from '../embed-v2/deps.ts';
import { requireEncoder } from '../embed-v2/task-request.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { checked, readForm } from '../form.ts';
import { hangUpSignal } from '../hang-up.ts';
import { createOnce, idempotencyHeaders } from '../idempotency.ts';
import { setRateLimits } from '../rate-limits.ts';
import { createdVideoTask, SCOPES_BY_NAME, videoTaskFields, videoTaskForm } from './schemas.ts';

const DESCRIPTION = `Creates the same task as \`POST /embed-v2/tasks\`, with segments of a fixed length and all options of
the bundle. \`video_url\` takes precedence over \`video_file\`.`;

export const createVideoTaskRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, deps) => {
  const formFields = videoTaskFields(deps);
  const options = DEFAULT_OPTIONS.video;

  app.post(
    '/embed/tasks',
    {
      schema: {
        operationId: 'createVideoTask',
        summary: 'Create a video embedding task',
        description: DESCRIPTION,
        tags: ['embed'],
        consumes: ['multipart/form-data'],
        headers: idempotencyHeaders,
        body: videoTaskForm(deps),
        response: { ...commonErrors, 409: errorBody, 429: errorBody, 200: createdVideoTask },
      },
      // The schema is for the documentation only: the form is validated after it is read.
      validatorCompiler: () => (value) => ({ value }),
    },
    async (request, reply) => {
      const { owner } = request;
      const { fields, files } = await readForm(request, formOf());
      const file = files['video_file'];
      let kept = false;
      try {
        const given = checked(formFields, fields);
        checked(idempotencyHeaders, request.headers);
        requireEncoder(deps.bundle, options, 'model_name');
        const source = sourceOf(given.video_url, file !== undefined);
        const taskRequest: TaskRequest = {
          inputType: 'video',
          modelName: given.model_name,
          source,
          startSec: given.video_start_offset_sec,
          endSec: given.video_end_offset_sec,
          segmentation: { strategy: 'fixed', durationSec: given.video_clip_length },
          options,
          scopes: given.video_embedding_scope.map((name) => SCOPES_BY_NAME[name]),
        };
        const quota = deps.quotas.limits(request.quotas);
        const upload = source.kind === 'upload' ? file : undefined;
        const operation = {
          content: { ...fields, file: upload && (await identityOf(request, upload)) },
          answer: ({ id }: Task) => ({ _id: id }),
        };
        const answer = await createOnce(deps.idempotency, { request, reply }, operation, async (onCreated) => {
          const task = await createTask(
            deps,
            { owner, quota, request: taskRequest, upload },
            { signal: hangUpSignal(reply), onCreated },
          );
          kept = upload !== undefined;
          return task;
        });
        request.event.taskId = answer._id;
        setRateLimits(reply, await deps.quotas.rates(owner, quota));
        return reply.send(answer);
      } catch (error) {
        throw withFieldNames(error, namesOf(fields['video_url'] !== undefined));
      } finally {
        if (file && !kept) await discardUpload(deps, file);
      }
    },
  );

  function formOf() {
    return {
      files: ['video_file'],
      lists: ['video_embedding_scope'],
      receive: (content: AsyncIterable<Uint8Array>, field: string) => storeTaskUpload(deps, content, field),
      discard: (file: { id: string }) => discardUpload(deps, file),
      advice: 'Send multipart/form-data. For JSON, use POST /embed-v2/tasks.',
    };
  }

  /** Hash of a file, which is part of the identity of an idempotent request. */
  async function identityOf({ headers }: FastifyRequest, { id }: { id: string }): Promise<string | undefined> {
    return 'idempotency-key' in headers ? sha256OfBlob(deps.blobs, sourceKey(id)) : undefined;
  }
};

function sourceOf(url: string | undefined, hasFile: boolean): Source {
  if (url !== undefined) return { kind: 'url', url };
  if (hasFile) return { kind: 'upload' };
  throw new ReelvecError('parameter_not_provided', 'One of video_url and video_file is required.', {
    details: { field: 'video_url' },
  });
}

/** Form fields by the parameter names of `/embed-v2`. */
function namesOf(hasUrl: boolean): Record<string, string> {
  const field = hasUrl ? 'video_url' : 'video_file';
  return {
    'video.media_source.url': field,
    'video.media_source': field,
    'video.start_sec': 'video_start_offset_sec',
  };
}
