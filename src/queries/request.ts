import type { Source } from '../tasks/request.ts';

/** Where something to look for comes from. Unlike a task's, base64 is at hand. */
export type QuerySource =
  | Extract<Source, { kind: 'url' | 'asset' }>
  | { readonly kind: 'base64'; readonly base64: string };

export interface PictureSource {
  /** Path of the parameters in the request, for errors: `image.media_source`. */
  readonly field: string;
  readonly source: QuerySource;
}

/** What is turned into one vector for each space: words, pictures, or both together. */
export interface VectorQuery {
  readonly text?: string;
  /** Path of the text's parameter in the request, for errors. */
  readonly textField: string;
  readonly pictures: readonly PictureSource[];
  /** Spaces that the vectors shall lie in, of the bundle's. */
  readonly spaces: readonly string[];
  /** Length of the vectors; absent: `DIMENSION`. */
  readonly dimension?: number;
}
