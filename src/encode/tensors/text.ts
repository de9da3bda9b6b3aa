import type { TextClip, TextEncoder } from '../encoder.ts';
import type { OutputSpec } from '../spec-fields.ts';
import { embedItems } from './embed-items.ts';
import type { TextSpec } from './spec.ts';
import type { Tensor, TensorModel } from './tensor.ts';
import type { TextTokens } from './tokens.ts';

/** Text encoder on top of a text model. */
export function modelTextEncoder(part: {
  space: string;
  output: OutputSpec;
  text: TextSpec;
  tokens: TextTokens;
  model: TensorModel;
}): TextEncoder {
  const { space, output, text: spec, tokens, model } = part;
  return {
    space,
    async encode(clips: readonly TextClip[], { signal } = {}) {
      signal?.throwIfAborted();
      if (clips.length === 0) return [];
      const ids = await Promise.all(clips.map(({ text }) => tokens.encode(spec.prefix + text)));
      const vectors = new Array<Float32Array>(clips.length);
      // Padding changes the last bits of a result, so only texts of equal length share a batch.
      for (const places of groupByLength(ids, spec)) {
        const found = await embedItems(
          places.map((place) => ids[place]!),
          {
            model,
            output,
            signal,
            inputs: (batch) => toTensors(batch, spec),
            tokens: ({ length }) => length,
          },
        );
        places.forEach((place, i) => {
          vectors[place] = found[i]!;
        });
      }
      return vectors;
    },
    countTokens: (text) => tokens.count(text),
    close: () => model.close(),
  };
}

/** Groups the indices of texts that may share a batch. */
function groupByLength(ids: readonly (readonly number[])[], { padding }: TextSpec): number[][] {
  const places = ids.map((_, place) => place);
  if (padding === 'full') return [places];
  return [...Map.groupBy(places, (place) => ids[place]!.length).values()];
}

/**
 * Tensors of batch × tokens by input name: token ids, attention mask (1 for tokens, 0 for padding), token types (all
 * 0).
 */
function toTensors(batch: readonly (readonly number[])[], spec: TextSpec): Record<string, Tensor> {
  const length = spec.padding === 'full' ? spec.maxTokens : batch[0]!.length;
  const dims = [batch.length, length];
  const make = (value: (ids: readonly number[], token: number) => number): Tensor => {
    const numbers = batch.flatMap((ids) => Array.from({ length }, (_, token) => value(ids, token)));
    return spec.integers === 'int64'
      ? { type: 'int64', dims, data: BigInt64Array.from(numbers, BigInt) }
      : { type: 'int32', dims, data: Int32Array.from(numbers) };
  };
  return {
    [spec.ids]: make((ids, token) => ids[token] ?? spec.padId),
    [spec.mask]: make((ids, token) => (token < ids.length ? 1 : 0)),
    [spec.types]: make(() => 0),
  };
}
