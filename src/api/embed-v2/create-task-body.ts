import { z } from 'zod';
import type { BundleInfo } from '../../encode/encoder.ts';
import { TASK_EXAMPLES } from './examples.ts';
import { audio, checkInput, fields, modelName, vectorFields, video } from './media-body.ts';

const INPUTS = ['video', 'audio'] as const;

/** Body schema of `POST /embed-v2/tasks`. */
export function createTaskBody(bundle: Pick<BundleInfo, 'name' | 'dimensions'>) {
  return fields({
    input_type: z.enum(INPUTS).meta({ title: 'CreateAsyncEmbeddingRequestInputType' }),
    model_name: modelName(bundle),
    video: video.optional().describe('when input_type is video'),
    audio: audio.optional().describe('when input_type is audio'),
    ...vectorFields(bundle),
  })
    .superRefine((given, context) => checkInput(given, INPUTS, context))
    .meta({ title: 'CreateAsyncEmbeddingRequest', 'x-examples': TASK_EXAMPLES });
}
