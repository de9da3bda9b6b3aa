import { z } from 'zod';

/** A path within a folder: no way out of it, and the same on every system. */
const innerPath = z
  .string()
  .regex(/^(?!\.{1,2}(\/|$))[\w.-]+(\/(?!\.{1,2}(\/|$))[\w.-]+)*$/, 'must be a path within the repository, with "/".');

/** What is known of a file before it is there. */
export const modelFile = z.strictObject({
  /** Bytes, exactly. */
  size: z.int().min(1).optional(),
  /** Bytes, roughly, where the exact number is not known: for plans and progress only. */
  about: z.int().min(1).optional(),
  /** Lower-case hex. Without it, the hub's own checksum of the pinned revision counts, and is noted at the first pull. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits.')
    .optional(),
});
export type ModelFile = z.infer<typeof modelFile>;

const files = z.record(innerPath, modelFile);

/** Files of one repository of a model hub, at one commit. */
const hubSource = z.strictObject({
  repo: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be OWNER/NAME.'),
  /** A commit and no branch: a branch may hold something else tomorrow. */
  revision: z.string().regex(/^[0-9a-f]{40}$/, 'must be a commit: 40 lower-case hex digits.'),
  licence: z.string().min(1),
  files,
});
export type HubSource = z.infer<typeof hubSource>;

/** Files that lie on this machine already. */
const folderSource = z.strictObject({
  /** Relative to the bundle's own file, or absolute. */
  folder: z.string().min(1),
  licence: z.string().min(1).optional(),
  files,
});
export type FolderSource = z.infer<typeof folderSource>;

/** Where files of models come from. */
export const modelSource = z.union([hubSource, folderSource]);
export type ModelSource = z.infer<typeof modelSource>;
