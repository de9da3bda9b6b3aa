import { z } from 'zod';

/** Relative path within a repository or folder. `..` and absolute paths are rejected, and `/` is the only separator. */
const innerPath = z
  .string()
  .regex(/^(?!\.{1,2}(\/|$))[\w.-]+(\/(?!\.{1,2}(\/|$))[\w.-]+)*$/, 'must be a path within the repository, with "/".');

/** Expected size and checksum of a model file. */
const modelFile = z.strictObject({
  /** Exact size, in bytes. */
  size: z.int().min(1).optional(),
  /** Approximate size, in bytes, if the exact one is unknown. Only for estimates and progress. */
  about: z.int().min(1).optional(),
  /** SHA-256, lower-case hex. Default: the hub's checksum for the pinned revision, which the first pull records. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits.')
    .optional(),
});

const files = z.record(innerPath, modelFile);

/** Files of a model hub's repository at one commit. */
const hubSource = z.strictObject({
  repo: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be OWNER/NAME.'),
  /** Commit hash. Branches are rejected, because their content may change. */
  revision: z.string().regex(/^[0-9a-f]{40}$/, 'must be a commit: 40 lower-case hex digits.'),
  licence: z.string().min(1),
  files,
});
/** A validated hub source. */
export type HubSource = z.infer<typeof hubSource>;

/** Files of a local folder. */
const folderSource = z.strictObject({
  /** Absolute path, or path relative to the bundle file. */
  folder: z.string().min(1),
  licence: z.string().min(1).optional(),
  files,
});

/** Source of model files. */
export const modelSource = z.union([hubSource, folderSource]);
/** A validated source of model files. */
export type ModelSource = z.infer<typeof modelSource>;
