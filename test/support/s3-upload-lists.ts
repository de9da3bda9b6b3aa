interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly initiated: Date;
  readonly parts: Map<number, { readonly size: number; readonly etag: string }>;
}

/** Records multipart uploads and answers ListMultipartUploads and ListParts, each in one page. */
export class UploadLists {
  readonly #uploads = new Map<string, Upload>();

  watch(
    { method, url, size }: { method: string; url: string; size: number },
    answer: { status: number; etag?: string; body: string },
  ): void {
    if (answer.status >= 300) return;
    const { bucket, key, query } = parse(url);
    const id = query.get('uploadId');
    if (method === 'POST' && query.has('uploads')) {
      const made = /<UploadId>([^<]+)</.exec(answer.body)?.[1];
      if (made) this.#uploads.set(made, { bucket, key, initiated: new Date(), parts: new Map() });
    } else if (id !== null && method === 'PUT') {
      this.#uploads.get(id)?.parts.set(Number(query.get('partNumber')), { size, etag: answer.etag ?? '' });
    } else if (id !== null && (method === 'POST' || method === 'DELETE')) {
      this.#uploads.delete(id);
    }
  }

  /** @returns XML; undefined for other requests */
  answer(method: string, url: string): string | undefined {
    if (method !== 'GET') return undefined;
    const { bucket, key, query } = parse(url);
    if (key === '' && query.has('uploads')) {
      const uploads = [...this.#uploads].filter(
        ([, upload]) => upload.bucket === bucket && upload.key.startsWith(query.get('prefix') ?? ''),
      );
      const items = uploads.map(
        ([id, upload]) =>
          `<Upload><Key>${upload.key}</Key><UploadId>${id}</UploadId>` +
          `<Initiated>${upload.initiated.toISOString()}</Initiated></Upload>`,
      );
      return `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${items.join('')}</ListMultipartUploadsResult>`;
    }
    const upload = this.#uploads.get(query.get('uploadId') ?? '');
    if (!upload) return undefined;
    const parts = [...upload.parts].sort(([a], [b]) => a - b);
    const after = Number(query.get('part-number-marker') ?? 0);
    const items = parts
      .filter(([number]) => number > after)
      .map(
        ([number, { size, etag }]) =>
          `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('"', '&quot;')}</ETag><Size>${size}</Size></Part>`,
      );
    return `<ListPartsResult><IsTruncated>false</IsTruncated>${items.join('')}</ListPartsResult>`;
  }
}

function parse(url: string): { bucket: string; key: string; query: URLSearchParams } {
  const { pathname, searchParams } = new URL(url, 'http://store');
  const [bucket = '', ...key] = decodeURIComponent(pathname).slice(1).split('/');
  return { bucket, key: key.join('/'), query: searchParams };
}
