import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Fault of the next request for a file. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string> }
  /** Closes the connection after this many bytes of the body. */
  | { readonly kind: 'cut'; readonly after: number }
  /** Sends other bytes of the same length. */
  | { readonly kind: 'wrong' };

/** Delay before a connection is cut, so that the client has read the bytes sent so far. Milliseconds. */
const CUT_DELAY_MS = 500;

export interface SeenRequest {
  readonly server: 'hub' | 'store';
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/**
 * Fake model hub. Like huggingface.co, it redirects large files to a store on another port, with their checksum in
 * `X-Linked-ETag`, and answers small ones with their content and its git hash in `ETag`.
 */
export class ModelHub implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  /** Faults by path within the repository, each applied once, in order. */
  readonly faults = new Map<string, Fault[]>();
  /** Required token, if set. */
  token: string | undefined;
  /** True if answers for large files have a checksum. */
  tellsChecksums = true;
  readonly #files = new Map<string, Buffer>();
  /** Path prefix of the files at a branch or tag, by the API path of the branch or tag. */
  readonly #branches = new Map<string, string>();
  readonly #hub: Server;
  readonly #store: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answerHub(request, response));
    this.#store = createServer((request, response) => this.#answerStore(request, response));
  }

  static async start(): Promise<ModelHub> {
    const hub = new ModelHub();
    for (const server of [hub.#hub, hub.#store]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return hub;
  }

  /** Value for HF_ENDPOINT. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  /** Adds files at a revision. @param repo OWNER/NAME */
  add(repo: string, revision: string, files: Readonly<Record<string, Uint8Array | string>>): void {
    for (const [path, content] of Object.entries(files)) {
      this.#files.set(`/${repo}/resolve/${revision}/${path}`, Buffer.from(content));
    }
  }

  /** Points a branch or tag of a repository at a commit. */
  point(repo: string, name: string, revision: string): void {
    this.#branches.set(`/api/models/${repo}/revision/${name}`, `/${repo}/resolve/${revision}/`);
  }

  misbehave(path: string, ...how: Fault[]): void {
    this.faults.set(path, how);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    const path = this.#note('hub', request);
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401).end();
      return;
    }
    const branch = this.#branches.get(path);
    if (branch !== undefined) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(this.#listing(branch)));
      return;
    }
    const content = this.#files.get(path);
    if (!content) {
      response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
      return;
    }
    const fault = this.#nextFault(path, 'status');
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.headers).end();
      return;
    }
    if (isLarge(path)) {
      const location = `http://127.0.0.1:${(this.#store.address() as AddressInfo).port}${path}?signature=abc`;
      const etag = this.tellsChecksums && { 'x-linked-etag': `"${sha256(content)}"`, 'x-linked-size': content.length };
      response.writeHead(302, { location, ...etag }).end();
      return;
    }
    this.#send(request, response, path, content, { etag: `"${gitSha1(content)}"` });
  }

  /** Answer of the hub's API about a commit: SHA-256 of large files only. */
  #listing(branch: string): object {
    const siblings = [...this.#files]
      .filter(([path]) => path.startsWith(branch))
      .map(([path, content]) => ({
        rfilename: path.slice(branch.length),
        size: content.length,
        blobId: gitSha1(content),
        ...(isLarge(path) && { lfs: { sha256: sha256(content), size: content.length, pointerSize: 134 } }),
      }));
    return { sha: branch.split('/').at(-2), siblings };
  }

  #answerStore(request: IncomingMessage, response: ServerResponse): void {
    const path = this.#note('store', request);
    const content = this.#files.get(path)!;
    // The store has its own ETag.
    this.#send(request, response, path, content, { etag: '"d41d8cd98f00b204e9800998ecf8427e-7"' });
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    content: Buffer,
    headers: Record<string, string>,
  ): void {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from >= content.length && from > 0) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const fault = this.#nextFault(path, 'cut') ?? this.#nextFault(path, 'wrong');
    const body = fault?.kind === 'wrong' ? content.subarray(from).map((byte) => byte ^ 1) : content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      ...headers,
      'content-length': body.length,
      ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    if (fault?.kind === 'cut') {
      response.write(body.subarray(0, fault.after));
      // Delayed until the client has read what was sent: closing discards the buffers.
      setTimeout(() => response.destroy(), CUT_DELAY_MS);
    } else response.end(body);
  }

  #nextFault(path: string, kind: Fault['kind']): Fault | undefined {
    const own = [...this.faults].find(([name]) => path.endsWith(`/${name}`))?.[1];
    return own?.[0]?.kind === kind ? own.shift() : undefined;
  }

  #note(server: 'hub' | 'store', { url, headers }: IncomingMessage): string {
    const path = new URL(url!, 'http://localhost').pathname;
    this.seen.push({ server, path, authorization: headers.authorization, range: headers.range });
    return path;
  }
}

function isLarge(path: string): boolean {
  return /\.(onnx|onnx_data|bin)$/.test(path);
}

function gitSha1(content: Uint8Array): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
