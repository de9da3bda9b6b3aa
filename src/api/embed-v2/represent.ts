import type { z } from 'zod';
import { ReelvecError } from '../../errors.ts';
import { inputNames, taskMetadata } from '../../tasks/metadata.ts';
import type { Task } from '../../tasks/repository.ts';
import { omitIfMalformed } from '../malformed-rows.ts';
import type { listedTask, taskMetadataBody } from './schemas.ts';

/** Metadata of a task. Undefined until the media is probed, because SDKs require all fields. */
export function metadataOf(task: Task): z.infer<typeof taskMetadataBody> | undefined {
  const { request, media, range, transcriptionSource, bundle } = task;
  const { inputType } = request;
  if (inputType === 'image') return { ...imageMetadata(request), bundle };
  if (!media || !range) return undefined;
  return omitIfMalformed(() => ({
    ...taskMetadata({ request, media, range, transcriptionSource }),
    input_type: inputType,
    bundle,
  }));
}

/** List item of a task, with the field names of the first API version. */
export function listedTaskOf(task: Task): z.infer<typeof listedTask> {
  return {
    _id: task.id,
    model_name: task.request.modelName,
    status: task.status,
    created_at: task.createdAt,
    updated_at: task.updatedAt,
    ...omitIfMalformed(() => listedEmbedding(task)),
  };
}

function listedEmbedding({ request, media, range }: Task) {
  const { segmentation } = request;
  if (request.inputType === 'image') return { image_embedding: { metadata: listedImage(request) } };
  const scopes = [...request.scopes];
  const options = [...request.options];
  const input = { ...inputNames(request), ...(media && { duration: media.durationSec }) };
  if (request.inputType === 'video') {
    const length = segmentation.strategy === 'fixed' && { video_clip_length: segmentation.durationSec };
    const metadata = { ...input, ...length, video_embedding_scope: scopes, video_embedding_option: options };
    return { video_embedding: { metadata } };
  }
  const metadata = {
    ...input,
    ...(range && { start_offset_sec: range.startSec, end_offset_sec: range.endSec }),
    // Sent in both forms: the documents disagree on singular and plural.
    audio_embedding_scope: scopes,
    audio_embedding_scopes: scopes,
    audio_embedding_option: options,
    audio_embedding_options: options,
  };
  return { audio_embedding: { metadata } };
}

function imageMetadata(request: Task['request']) {
  const { options, scopes, dimension } = request;
  return {
    input_type: 'image' as const,
    ...inputNames(request),
    embedding_options: [...options],
    embedding_scopes: [...scopes],
    ...(dimension !== undefined && { embedding_dimension: dimension }),
  };
}

function listedImage(request: Task['request']) {
  return {
    ...inputNames(request),
    image_embedding_option: [...request.options],
    image_embedding_scope: [...request.scopes],
  };
}

/** @param collection path of the tasks below the version */
export function noSuchTask(id: string, collection = 'embed-v2/tasks'): ReelvecError {
  const shown = id.length > 64 ? `${id.slice(0, 64)}…` : id;
  return new ReelvecError(
    'resource_not_exist',
    `There is no task "${shown}" in the collection ${collection}. It may have been deleted, or belong to another key.`,
    { details: { collection, id: shown } },
  );
}
