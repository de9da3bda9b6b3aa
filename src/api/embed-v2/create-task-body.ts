import { z } from 'zod';
import { audio, checkInput, fields, vectorFields, video } from './media-body.ts';
import { audio35, image35, inputTypes, noUncertainty, OTHER_INPUTS, video35 } from './media-body-35.ts';
import { firstGenerationNames, MARENGO_35, modelName, type Served } from './model-names.ts';

const INPUTS = ['video', 'audio'] as const;
const INPUTS_35 = [...INPUTS, 'image'] as const;

/** Body schemas of `POST /embed-v2/tasks`, by model generation. */
export function createTaskBodies(served: Served) {
  const { bundle } = served;
  const first = fields({
    input_type: z.enum(INPUTS).meta({ title: 'CreateAsyncEmbeddingRequestInputType' }),
    model_name: modelName(firstGenerationNames(served), served, 'CreateAsyncEmbeddingRequestModelName'),
    video: video.optional().describe('when input_type is video'),
    audio: audio.optional().describe('when input_type is audio'),
    ...vectorFields(bundle),
  })
    .superRefine((given, context) => checkInput(given, INPUTS, context))
    .meta({ title: 'CreateAsyncEmbeddingRequest' });
  const second = fields(
    {
      input_type: inputTypes(INPUTS_35),
      model_name: z.literal(MARENGO_35),
      video: video35.optional().describe('when input_type is video'),
      audio: audio35.optional().describe('when input_type is audio'),
      image: image35.optional().describe('when input_type is image'),
      ...vectorFields(bundle),
      embedding_uncertainty: noUncertainty,
    },
    OTHER_INPUTS,
  )
    .superRefine((given, context) => checkInput(given, INPUTS_35, context))
    .meta({ title: 'CreateAsyncEmbeddingRequestMarengo35' });
  return { first, second };
}
