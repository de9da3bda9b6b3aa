import type { z } from 'zod';
import type { Task } from '../../tasks/repository.ts';
import { listedTaskOf, noSuchTask } from '../embed-v2/represent.ts';
import { NAMES_OF_SCOPES, type videoTask } from './schemas.ts';

/** A video task in the shape of the first API version. */
export function videoTaskOf(task: Task): z.infer<typeof videoTask> {
  const { video_embedding, ...listed } = listedTaskOf(task);
  const { error, warnings } = task;
  return {
    ...listed,
    ...(video_embedding && { video_embedding: { metadata: withNames(video_embedding.metadata) } }),
    ...(error && { error }),
    warnings: [...warnings],
  };
}

function withNames(metadata: NonNullable<ReturnType<typeof listedTaskOf>['video_embedding']>['metadata']) {
  return { ...metadata, video_embedding_scope: metadata.video_embedding_scope.map((scope) => NAMES_OF_SCOPES[scope]) };
}

/** The task, if it is a video task. @throws {ReelvecError} `resource_not_exist` */
export function requireVideoTask(task: Task | undefined, id: string): Task {
  if (task?.request.inputType !== 'video') throw noSuchTask(id, 'embed/tasks');
  return task;
}
