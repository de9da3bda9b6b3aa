import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobStore } from '../blobs/store.ts';
import type { TimeRange } from '../domain/time-range.ts';
import { type BundleInfo, DIMENSION } from '../encode/encoder.ts';
import type { MediaInfo } from '../media/info.ts';
import { bundleId } from '../tasks/embedding.ts';
import { taskMetadata } from '../tasks/metadata.ts';
import type { TranscriptionSource } from '../tasks/repository.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { resultContent } from '../tasks/results/formats.ts';
import type { Format } from './embed-formats.ts';

interface Output {
  readonly blobs: BlobStore;
  /** Key of the result blob. */
  readonly key: string;
  readonly format: Format;
  /** Path of the output file; undefined for standard output. */
  readonly output: string | undefined;
  readonly media: MediaInfo;
  readonly request: TaskRequest;
  readonly bundle: BundleInfo;
  readonly range: TimeRange;
  readonly transcriptionSource: TranscriptionSource | undefined;
  readonly warnings: readonly string[];
}

/** Streams a result to a file or standard output. */
export async function render(output: Output): Promise<void> {
  const target = output.output === undefined ? process.stdout : createWriteStream(output.output);
  await pipeline(content(output), target, { end: output.output !== undefined });
}

function content({ blobs, key, format, media, request, bundle, range, ...summary }: Output): Readable {
  const facts = { task: 'local', bundle: bundleId(bundle) };
  const rows = resultContent(
    { blobs, key, facts, dimension: request.dimension ?? DIMENSION },
    { format, vectors: true },
  );
  return Readable.from(format === 'json' ? json() : rows, { objectMode: false });

  async function* json() {
    const { transcriptionSource, warnings } = summary;
    const metadata = { ...taskMetadata({ request, media, range, transcriptionSource }), bundle: facts.bundle };
    yield `{"metadata":${JSON.stringify(metadata)},"warnings":${JSON.stringify(warnings)},"data":`;
    yield* rows;
    yield '}\n';
  }
}
