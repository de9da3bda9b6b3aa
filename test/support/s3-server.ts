import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startFauxqs } from 'fauxqs';
import { UploadLists } from './s3-upload-lists.ts';

/** Credentials for the emulator, which accepts any, in the environment that the SDK reads. */
process.env['AWS_ACCESS_KEY_ID'] ??= 'test';
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'test';

export interface S3Request {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** `Range` header. */
  readonly range: string | undefined;
  /** Bytes of the response body. */
  bytes: number;
}

/** Fault to inject instead of passing a request on. */
export type Fault = 'refuse' | 'fail' | 'break-off' | 'stall' | 'dawdle' | undefined;

/** Delay before a dawdling response. Milliseconds. */
const DAWDLE_MS = 3000;

/**
 * S3 store on the loopback interface: the emulator fauxqs, which keeps objects in memory and checks no signatures,
 * behind a proxy that records requests, injects faults, and answers the two multipart operations that the emulator
 * lacks.
 */
export async function s3Server() {
  const emulator = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  const requests: S3Request[] = [];
  const state = { fault: (_: S3Request): Fault | Promise<Fault> => undefined };
  const lists = new UploadLists();
  const proxy = createServer(async (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const seen: S3Request = { method: method!, url: url!, range: headers.range, bytes: 0 };
    requests.push(seen);
    const fault = await state.fault(seen);
    const listed = fault === undefined ? lists.answer(method!, url!) : undefined;
    if (fault === 'refuse' || fault === 'fail') {
      incoming.resume();
      outgoing.writeHead(fault === 'refuse' ? 503 : 500).end();
    } else if (listed !== undefined) {
      outgoing.writeHead(200, { 'content-type': 'application/xml' }).end(listed);
    } else {
      const watch = (answer: { status: number; etag?: string; body: string }) =>
        lists.watch({ method: method!, url: url!, size: Number(headers['content-length']) }, answer);
      const options = { port: emulator.port, seen, breakOff: fault === 'break-off', stall: fault === 'stall', watch };
      if (fault === 'dawdle') setTimeout(() => pass(incoming, outgoing, options), DAWDLE_MS);
      else pass(incoming, outgoing, options);
    }
  });
  // The default, 5 s, closes connections that a client on a busy machine is about to use again.
  proxy.keepAliveTimeout = 600_000;
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  let buckets = 0;
  return {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    /** All requests since the start, in order. */
    requests,
    /** Creates an empty bucket. @returns its name */
    bucket(): string {
      return emulator.createBucket(`bucket-${++buckets}`).bucketName;
    },
    /** Sets the fault injected into each later request. A promise delays the request. */
    faults(fault: (request: S3Request) => Fault | Promise<Fault>): void {
      state.fault = fault;
    },
    async [Symbol.asyncDispose]() {
      proxy.close();
      proxy.closeAllConnections();
      await emulator.stop();
    },
  };
}

export type S3Server = Awaited<ReturnType<typeof s3Server>>;

function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: {
    port: number;
    seen: S3Request;
    breakOff: boolean;
    stall: boolean;
    watch: (answer: { status: number; etag?: string; body: string }) => void;
  },
): void {
  const { port, seen, breakOff, stall, watch } = options;
  const { method, url: path, headers } = incoming;
  const passed = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
    let body = '';
    outgoing.writeHead(answer.statusCode!, answer.headers);
    answer.on('data', (bytes: Buffer) => {
      if (method === 'POST') body += bytes;
      const kept = breakOff || stall ? bytes.subarray(0, bytes.length >> 1) : bytes;
      seen.bytes += kept.length;
      outgoing.write(kept, () => breakOff && outgoing.destroy());
      // A stalled response never continues.
      if (breakOff || stall) answer.pause();
    });
    answer.on('end', () => {
      watch({ status: answer.statusCode!, etag: answer.headers.etag, body });
      outgoing.end();
    });
  });
  passed.on('error', () => outgoing.destroy());
  outgoing.on('close', () => passed.destroy());
  incoming.pipe(passed);
}
