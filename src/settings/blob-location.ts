import { join, resolve } from 'node:path';

/** Location of the blob store. */
export type BlobLocation =
  | {
      readonly kind: 'folder';
      /** Absolute path. */
      readonly path: string;
    }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Key prefix: empty, or ends in `/`. */
      readonly prefix: string;
      readonly endpoint: string | undefined;
      /** Endpoint in presigned URLs for clients. */
      readonly publicEndpoint: string | undefined;
      readonly region: string;
      readonly pathStyle: boolean;
    };

export interface S3Settings {
  readonly endpoint?: string;
  readonly publicEndpoint?: string;
  readonly region: string;
  readonly pathStyle?: 'true' | 'false';
}

/** Validates REELVEC_BLOBS. */
export const BLOBS_PATTERN = /^(file:.+|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[a-z0-9_-][a-z0-9._-]*)*\/?)$/;

/** Resolves `file:FOLDER` or `s3://BUCKET/PREFIX`. Default: a folder in the data folder. */
export function blobLocation(text: string | undefined, s3: S3Settings, dataDir: string): BlobLocation {
  if (!text?.startsWith('s3:')) {
    const path = text?.slice('file:'.length) ?? join(dataDir, 'blobs');
    // file:///srv is a URL with an empty host.
    return { kind: 'folder', path: resolve(path.replace(/^\/\/(?=\/)/, '')) };
  }
  const [bucket, ...names] = text.slice('s3://'.length).split('/').filter(Boolean);
  const { endpoint, publicEndpoint = endpoint, region, pathStyle } = s3;
  return {
    kind: 's3',
    bucket: bucket!,
    prefix: names.map((name) => `${name}/`).join(''),
    endpoint,
    publicEndpoint,
    region,
    pathStyle: pathStyle === undefined ? endpoint !== undefined : pathStyle === 'true',
  };
}
