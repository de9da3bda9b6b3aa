import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TimeRange } from '../media/frames.ts';
import type { MediaInfo } from '../media/info.ts';
import type { BlobStore } from '../store/blobs.ts';
import { taskMetadata } from '../tasks/metadata.ts';
import type { TranscriptionSource } from '../tasks/repository.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { readResult } from '../tasks/results.ts';
import { embeddingsJson, embeddingsNdjson } from '../tasks/results-json.ts';
import type { Format } from './embed-formats.ts';

interface Output {
  readonly blobs: BlobStore;
  /** Blob of the result. */
  readonly key: string;
  readonly format: Format;
  /** Path of a file; standard output without one. */
  readonly output: string | undefined;
  readonly media: MediaInfo;
  readonly request: TaskRequest;
  readonly range: TimeRange;
  readonly transcriptionSource: TranscriptionSource | undefined;
  readonly warnings: readonly string[];
}

/** Writes a result out, streaming. */
export async function render(output: Output): Promise<void> {
  const target = output.output === undefined ? process.stdout : createWriteStream(output.output);
  await pipeline(content(output), target, { end: output.output !== undefined });
}

function content({ blobs, key, format, media, request, range, transcriptionSource, warnings }: Output): Readable {
  switch (format) {
    case 'arrow':
      return blobs.read(key);
    case 'ndjson':
      return Readable.from(embeddingsNdjson(readResult(blobs, key)));
    case 'json':
      return Readable.from(json());
  }
  async function* json() {
    const metadata = taskMetadata({ request, media, range, transcriptionSource });
    yield `{"metadata":${JSON.stringify(metadata)},"warnings":${JSON.stringify(warnings)},"data":`;
    yield* embeddingsJson(readResult(blobs, key));
    yield '}\n';
  }
}
