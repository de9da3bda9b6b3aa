import type { Device } from '../../config.ts';
import { loadOnnxRuntime } from './runtime.ts';

/** What runs models, once that is settled. */
export type ChosenDevice = Exclude<Device, 'auto'>;

/** What `auto` tries before the processor. */
const ACCELERATORS: Readonly<Partial<Record<NodeJS.Platform, ChosenDevice>>> = {
  linux: 'cuda',
  darwin: 'coreml',
  win32: 'dml',
};

/** y = −x for one number, as an ONNX file: what scripts/onnx/graph.ts makes of it. */
const PROBE_GRAPH =
  'CAgSB3JlZWx2ZWM6NhIFcHJvYmVaDwoBeBIKCggIARIECgIIAQoLCgF4EgF5IgNOZWdiDwoBeRIKCggIARIECgIIAUIECgAQEQ==';

/**
 * Settles what runs models, by trying it: a device that is named must be there, `auto` takes the first that is.
 * @throws {Error} when a device that was named cannot be used, with the cause
 */
export async function chooseDevice(device: Device): Promise<ChosenDevice> {
  if (device !== 'auto') {
    await tryDevice(device);
    return device;
  }
  // Without it there is nothing to choose from, and every attempt would fail for another reason than its own.
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

/** Runs the smallest graph there is, so that a driver that is missing is missed now and not in the first task. */
async function tryDevice(device: ChosenDevice): Promise<void> {
  const ort = await loadOnnxRuntime();
  const session = await ort.InferenceSession.create(Buffer.from(PROBE_GRAPH, 'base64'), {
    executionProviders: [device],
    logSeverityLevel: 4,
  });
  await session.run({ x: new ort.Tensor('float32', [1], [1]) });
  await session.release();
}
