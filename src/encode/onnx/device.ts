import type { Device } from '../../config.ts';
import { loadOnnxRuntime } from './runtime.ts';

/** Device that runs models; never `auto`. */
export type ChosenDevice = Exclude<Device, 'auto'>;

/** Accelerator that `auto` tries before the CPU, by platform. */
const ACCELERATORS: Readonly<Partial<Record<NodeJS.Platform, ChosenDevice>>> = {
  linux: 'cuda',
  darwin: 'coreml',
  win32: 'dml',
};

/** Base64 of a minimal ONNX file, y = −x for one number, from test/support/onnx/graph.ts. */
const PROBE_GRAPH =
  'CAgSB3JlZWx2ZWM6NhIFcHJvYmVaDwoBeBIKCggIARIECgIIAQoLCgF4EgF5IgNOZWdiDwoBeRIKCggIARIECgIIAUIECgAQEQ==';

/**
 * Resolves `auto` to a device by running a probe graph on the platform's accelerator; falls back to the CPU. A named
 * device is only probed.
 * @throws {Error} if a named device is unusable, with the cause
 */
export async function chooseDevice(device: Device): Promise<ChosenDevice> {
  if (device !== 'auto') {
    await tryDevice(device);
    return device;
  }
  // A missing runtime must not look like a missing accelerator.
  await loadOnnxRuntime();
  const accelerator = ACCELERATORS[process.platform];
  const isAvailable =
    accelerator &&
    (await tryDevice(accelerator).then(
      () => true,
      () => false,
    ));
  return isAvailable ? accelerator : 'cpu';
}

/** Runs a minimal graph, so that a missing driver fails at startup and not in the first task. */
async function tryDevice(device: ChosenDevice): Promise<void> {
  const ort = await loadOnnxRuntime();
  const session = await ort.InferenceSession.create(Buffer.from(PROBE_GRAPH, 'base64'), {
    executionProviders: [device],
    logSeverityLevel: 4,
  });
  await session.run({ x: new ort.Tensor('float32', [1], [1]) });
  await session.release();
}
