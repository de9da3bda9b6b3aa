import type { SourceFile } from './store.ts';

/** Size of model files, in bytes. Approximate where the bundle has no exact size, and 0 where it has none. */
export function downloadBytes(files: readonly SourceFile[]): number {
  return files.reduce((sum, { source, path }) => sum + (source.files[path]?.size ?? source.files[path]?.about ?? 0), 0);
}

/** Text for a number of bytes: `1.7 GB`, or `320 MB` below one gigabyte. */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;
}
