import type { Picture, PictureFormat } from '../../media/frames.ts';
import { distinctPictures } from '../tensors/distinct-pictures.ts';
import { patchPictures, patchSize } from '../tensors/patches.ts';
import type { TensorModel } from '../tensors/tensor.ts';
import { splitSoftTokens } from './soft-tokens.ts';
import type { PictureTokensSpec } from './spec.ts';

/** Encodes pictures to soft tokens. */
export class PictureTokens {
  readonly #spec: PictureTokensSpec;
  readonly #width: number;
  readonly #model: TensorModel;

  /** @param options.width length of a soft token's vector */
  constructor({ spec, width, model }: { spec: PictureTokensSpec; width: number; model: TensorModel }) {
    this.#spec = spec;
    this.#width = width;
    this.#model = model;
  }

  /** Format of the pictures for `encode`. */
  format(use: 'image' | 'video'): PictureFormat {
    const { filter } = this.#spec;
    const patches = this.#patches(use);
    return { fit: 'shape', filter, sizeFor: ({ width, height }) => patchSize(width, height, patches) };
  }

  /**
   * Encodes the pictures of a film, those that differ from the last encoded one. @returns soft tokens of each picture
   */
  async encodeFilm(
    film: readonly Picture[],
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<Float32Array[]> {
    const [first] = film;
    const isOneSize = film.every(({ width, height }) => width === first!.width && height === first!.height);
    const { pictures, positions } = distinctPictures(film, isOneSize ? this.#spec.video.sameUpTo : undefined);
    const tokens = await this.encode(pictures, 'video', options);
    return positions.map((position) => tokens[position]!);
  }

  /** Number of soft tokens of a picture in the format for `encode`. */
  count({ width, height }: Picture): number {
    const side = this.#spec.patch * this.#spec.pool;
    return (width * height) / side ** 2;
  }

  /**
   * Encodes pictures.
   * @param use the kind of placeholder that the soft tokens are for
   * @returns soft tokens of each picture: tokens × `width`
   */
  async encode(
    pictures: readonly Picture[],
    use: 'image' | 'video',
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<Float32Array[]> {
    const { pixels, positions, output, patch } = this.#spec;
    const found: Float32Array[] = [];
    for (let from = 0; from < pictures.length; from += this.#model.batch) {
      options.signal?.throwIfAborted();
      const batch = pictures.slice(from, from + this.#model.batch);
      const { patches, positions: places, perPicture, softTokens } = patchPictures(batch, this.#patches(use));
      const inputs = {
        [pixels]: { type: 'float32', dims: [batch.length, perPicture, 3 * patch ** 2], data: patches },
        [positions]: { type: 'int64', dims: [batch.length, perPicture, 2], data: places },
      } as const;
      const tokens = await this.#model.run(inputs, output, options);
      found.push(...splitSoftTokens(tokens, softTokens, { width: this.#width, encoder: 'pictures' }));
    }
    return found;
  }

  close(): Promise<void> {
    return this.#model.close();
  }

  #patches(use: 'image' | 'video') {
    const { patch, pool } = this.#spec;
    return { patch, pool, maxTokens: this.#spec[use].tokens };
  }
}
