/** The one WebGPU device of the process: its name, what happens to it, and when it goes. */
import { MemoryBudgetError, UnsupportedBackendError } from '../../errors.ts';
import type { AdapterInfo, GpuJs, WebGpuContext } from './gpuJs.ts';

export interface Adapter {
  /** `nvidia hopper`, or `google swiftshader, software`. */
  readonly name: string;
  /** It runs on the processor: right results, no speed. */
  readonly software: boolean;
}

const softwareAdapters = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software/i;

/** Whether a name is that of an adapter that runs on the processor. */
export function isSoftware(name: string): boolean {
  return softwareAdapters.test(name);
}

/** @returns name of an adapter, and whether it is a GPU at all. */
export function nameAdapter(info: AdapterInfo): Adapter {
  const parts = [info.vendor, info.architecture, info.device, info.description].map((part) => part.trim());
  const software = info.isFallbackAdapter === true || isSoftware(parts.join(' '));
  const [vendor, architecture, device] = parts;
  // A software adapter's device is an internal name.
  const words = [vendor, architecture, software ? '' : device].filter((part) => part !== '');
  const name = words.length > 0 ? words.join(' ') : parts[3] || 'unnamed adapter';
  return { name: software ? `${name}, software` : name, software };
}

/** Told of what goes wrong on the device. */
type OnError = (reason: Error) => void;

/** Who uses the device now: gpu.js has one for the whole process, so the last one out drops it. */
const users = new Set<OnError>();

/**
 * The device, until `releaseDevice` with the same `onError`. Errors of a device come late and by
 * themselves; without `onError` they would show as zeros in results.
 * @throws UnsupportedBackendError where there is no adapter.
 */
export async function acquireDevice(gpuJs: GpuJs, onError: OnError): Promise<WebGpuContext> {
  try {
    const context = await gpuJs.WebGPUContext.acquire();
    users.add(onError);
    void watch(context);
    return context;
  } catch (cause) {
    throw new UnsupportedBackendError('navigator.gpu offers no adapter.', {
      where: '--gpu-mode webgpu',
      remedy: "Install the GPU's driver with its Vulkan loader (Linux: libvulkan1).",
      cause,
    });
  }
}

export async function releaseDevice(gpuJs: GpuJs, onError: OnError): Promise<void> {
  users.delete(onError);
  if (users.size === 0) await gpuJs.WebGPUContext.destroy();
}

async function watch({ device }: WebGpuContext): Promise<void> {
  const tell = (reason: Error): void => {
    for (const onError of users) onError(reason);
  };
  // gpu.js prints these; here they end the run.
  device.onuncapturederror = ({ error }) => tell(deviceError(error.message));
  const { message } = await device.lost;
  tell(deviceError(`device was lost: ${message}`));
}

/**
 * A failure that gpu.js or the device reports, as an error of ours where it is the machine's and
 * not a bug.
 */
export function deviceError(message: string, cause?: unknown): Error {
  if (/device (was|is) lost|lost device|has been destroyed/i.test(message)) {
    return new UnsupportedBackendError('the GPU device was lost.', {
      where: 'gpu',
      remedy: 'Start again: prune goes on from its journal (--out).',
      cause: cause ?? message,
    });
  }
  if (
    /out of memory|allocat|bytes but this device allows|over this device's limit|exceeds the max|larger than maximum size/i.test(
      message,
    )
  ) {
    return new MemoryBudgetError(`the GPU has no room: ${message.split('\n')[0]}`, {
      where: 'gpu',
      remedy: 'Lower --memory or --chunk.',
      cause,
    });
  }
  return cause instanceof Error ? cause : new Error(message);
}
