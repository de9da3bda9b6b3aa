import type { TextLimit } from '../domain/text-limit.ts';
import type { Source } from '../tasks/request.ts';
import type { UploadedFile } from './uploads.ts';

/** Source of a query input. Unlike that of a task, it holds the base64 text itself. */
export type QuerySource =
  | Extract<Source, { kind: 'url' | 'asset' }>
  | { readonly kind: 'base64'; readonly base64: string }
  | { readonly kind: 'upload'; readonly file: UploadedFile; readonly filename?: string };

export interface PictureSource {
  /** Path of the request parameter, for errors: `image.media_source`. */
  readonly field: string;
  readonly source: QuerySource;
}

/** Part of a query, in the order in which an encoder of joint inputs gets them. */
export type QueryPart =
  | { readonly kind: 'text'; readonly text: string }
  | ({ readonly kind: 'picture' } & PictureSource)
  /** Short video, without its sound, or short audio. */
  | ({ readonly kind: 'video' | 'audio' } & PictureSource);

/** Query that is encoded to one vector per space: text, pictures, or both combined. */
export interface VectorQuery {
  /** At least one. Several texts only for a bundle that takes joint inputs. */
  readonly parts: readonly QueryPart[];
  /** Path of the text parameter in the request, for errors. */
  readonly textField: string;
  /** Requested spaces of the bundle. */
  readonly spaces: readonly string[];
  /** Limit of the text; default: that of marengo3.0. */
  readonly textLimit?: TextLimit;
  /** True if the text was shortened before. */
  readonly isShortened?: boolean;
  /** Length of the vectors; default: `DIMENSION`. */
  readonly dimension?: number;
}
