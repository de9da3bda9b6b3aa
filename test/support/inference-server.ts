import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** Fault of one request. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Sends half of the answer, then closes the connection. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** Replaces the answer by one derived from it. */
  | { readonly kind: 'answer'; readonly change: (header: AnswerHeader, bytes: Buffer) => Buffer };

export interface AnswerHeader {
  id?: string;
  outputs: { name: string; datatype: string; shape: number[]; parameters: { binary_data_size: number } }[];
}

export interface InferenceServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Decides on the fault of each inference; null for none. */
  fault: (request: { count: number; batch: number }) => Fault | null;
  /** Number of inferences answered in full. */
  readonly answered: { readonly id: string; readonly batch: number }[];
  /** Headers of the last inference. */
  readonly headers: IncomingMessage['headers'];
  /** Peak and current number of concurrent inferences. */
  readonly busiest: number;
  readonly busy: number;
  readonly connections: number;
  stop(): Promise<void>;
}

export interface InferenceServerOptions {
  /** ONNX files by model name. */
  readonly models: Readonly<Record<string, Uint8Array>>;
  /** Port; 0 picks a free one. */
  readonly port?: number;
  /** PEM key and certificate, for HTTPS. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
  /** Sends numbers in half precision. */
  readonly half?: boolean;
}

const DATATYPES: Readonly<Record<string, string>> = { float32: 'FP32', int64: 'INT64', int32: 'INT32' };
const LENGTH = 'inference-header-content-length';

/** Serves ONNX models with onnxruntime by the Open Inference Protocol v2 with binary tensors, like Triton. */
export async function startInferenceServer(options: InferenceServerOptions): Promise<InferenceServer> {
  const sessions = new Map<string, InferenceSession>();
  for (const [name, model] of Object.entries(options.models)) {
    sessions.set(name, await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 }));
  }
  const float = options.half ? 'FP16' : 'FP32';
  const state = { count: 0, busy: 0, busiest: 0, connections: 0, headers: {} as IncomingMessage['headers'] };
  const answered: { id: string; batch: number }[] = [];

  const listen = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      await answer(request, response);
    } catch (error) {
      json(response, 500, { error: String(error) });
    }
  };
  const server = options.tls ? createSecureServer(options.tls, listen) : createServer(listen);
  server.on('connection', () => state.connections++);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/v2/health/ready') return json(response, 200, {});
    const [, name, verb] = /^\/v2\/models\/([^/]+)(?:\/versions\/1)?(\/infer)?$/.exec(request.url ?? '') ?? [];
    const session = sessions.get(name ?? '');
    if (!session) return json(response, 404, { error: `Request for unknown model: '${name}' is not found` });
    if (!verb) return json(response, 200, metadata(name!, session));
    state.headers = request.headers;
    state.busiest = Math.max(state.busiest, ++state.busy);
    response.on('close', () => state.busy--);
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const { id, feeds, output, batch } = readRequest(body, Number(request.headers[LENGTH]), session);
    const fault = self.fault({ count: state.count++, batch });
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.headers).end(JSON.stringify({ error: 'a fault of the test' }));
      return;
    }
    if (fault?.kind === 'slow') await sleep(fault.ms);
    const result = (await session.run(feeds, [output]))[output]!;
    const values = result.data as Float32Array;
    const data = options.half ? new Float16Array(values) : values;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const shape = [...result.dims];
    const outputs = [{ name: output, datatype: float, shape, parameters: { binary_data_size: bytes.length } }];
    const head = Buffer.from(JSON.stringify({ model_name: name, id, outputs }));
    if (fault?.kind === 'answer') {
      const whole = fault.change({ id, outputs }, bytes);
      response
        .writeHead(200, { [LENGTH]: String(whole.indexOf('}]}') + 3), 'content-length': whole.length })
        .end(whole);
      return;
    }
    const whole = Buffer.concat([head, bytes]);
    response.writeHead(200, { [LENGTH]: String(head.length), 'content-length': whole.length });
    if (fault?.kind === 'cut') {
      response.write(whole.subarray(0, whole.length / 2), () => request.socket.destroy());
      return;
    }
    if (response.destroyed) return;
    response.end(whole);
    answered.push({ id, batch });
  }

  function metadata(name: string, session: InferenceSession): object {
    const tensors = (list: InferenceSession['inputMetadata']) =>
      list.map((tensor) => {
        if (!tensor.isTensor) throw new Error('only tensors');
        const shape = tensor.shape.map((length) => (typeof length === 'number' && length >= 0 ? length : -1));
        const datatype = DATATYPES[tensor.type]!;
        return { name: tensor.name, datatype: datatype === 'FP32' ? float : datatype, shape };
      });
    const [inputs, outputs] = [tensors(session.inputMetadata), tensors(session.outputMetadata)];
    return { name, versions: ['1'], platform: 'onnxruntime_onnx', inputs, outputs };
  }

  const self: InferenceServer = {
    url: '',
    port: 0,
    fault: () => null,
    answered,
    get headers() {
      return state.headers;
    },
    get busiest() {
      return state.busiest;
    },
    get busy() {
      return state.busy;
    },
    get connections() {
      return state.connections;
    },
    stop: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
    [Symbol.asyncDispose]: () => self.stop(),
  };
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(self, { url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`, port });
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

interface RequestHeader {
  readonly id: string;
  readonly inputs: { name: string; datatype: string; shape: number[]; parameters: { binary_data_size: number } }[];
  readonly outputs: { name: string; parameters: { binary_data: boolean } }[];
}

function readRequest(body: Buffer, headerLength: number, session: InferenceSession) {
  const header = JSON.parse(body.toString('utf8', 0, headerLength)) as RequestHeader;
  const feeds: Record<string, Tensor> = {};
  let at = headerLength;
  for (const { name, datatype, shape, parameters } of header.inputs) {
    const { buffer } = Uint8Array.from(body.subarray(at, at + parameters.binary_data_size));
    at += parameters.binary_data_size;
    feeds[name] =
      datatype === 'INT64'
        ? new Tensor('int64', new BigInt64Array(buffer), shape)
        : new Tensor(
            'float32',
            datatype === 'FP16' ? Float32Array.from(new Float16Array(buffer)) : new Float32Array(buffer),
            shape,
          );
  }
  if (at !== body.length) throw new Error(`${body.length - at} bytes too many`);
  if (header.inputs.length !== session.inputNames.length) throw new Error('inputs');
  if (header.outputs[0]?.parameters.binary_data !== true) throw new Error('binary_data');
  return { id: header.id, feeds, output: header.outputs[0].name, batch: header.inputs[0]!.shape[0]! };
}
