import { newId } from '../database/ids.ts';
import type { Task } from '../tasks/repository.ts';

type EventType = 'embed.task.ready' | 'embed.task.failed';

/** Body of a webhook request, in the format of the TwelveLabs v1.3 API. */
export interface WebhookEvent {
  /** `whe_` and 24 hex characters. The same for every attempt, so that receivers can recognise repetitions. */
  readonly id: string;
  readonly created_at: string;
  readonly type: EventType;
  readonly data: {
    readonly id: string;
    readonly status: 'ready' | 'failed';
    readonly input_type: string;
    readonly model_name: string;
    readonly created_at: string;
    readonly updated_at: string;
    /** Duration of the whole file in seconds, if known. */
    readonly duration?: number;
    readonly warnings: readonly string[];
    readonly error?: { readonly code: string; readonly message: string };
  };
}

/** Creates the event of an ended task. */
export function endOfTask(task: Task): WebhookEvent {
  const status = task.status === 'ready' ? 'ready' : 'failed';
  return {
    id: `whe_${newId()}`,
    created_at: task.updatedAt,
    type: `embed.task.${status}`,
    data: {
      id: task.id,
      status,
      input_type: task.request.inputType,
      model_name: task.request.modelName,
      created_at: task.createdAt,
      updated_at: task.updatedAt,
      ...(task.media && { duration: task.media.durationSec }),
      warnings: task.warnings,
      ...(task.error && { error: task.error }),
    },
  };
}
