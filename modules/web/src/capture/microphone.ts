import { captureError, mediaDevices } from "./problem";

/** What the browser does to the sound of a microphone. */
export interface MicrophoneSettings {
  /** Empty: the one that the system prefers. */
  readonly deviceId: string;
  /** Takes out what the loudspeakers play. */
  readonly echoCancellation: boolean;
  readonly noiseSuppression: boolean;
  readonly autoGainControl: boolean;
}

/**
 * Recognisers are trained on noise and hear worse what was cleaned of it; echo is a second speaker to them.
 */
export const MICROPHONE_DEFAULTS: MicrophoneSettings = {
  deviceId: "",
  echoCancellation: true,
  noiseSuppression: false,
  autoGainControl: true,
};

/**
 * Opens a microphone; the browser may ask the user.
 *
 * Throws a `CaptureError`. A device that is gone since it was chosen is replaced by the preferred one.
 */
export async function openMicrophone(settings: MicrophoneSettings): Promise<MediaStream> {
  const { deviceId, ...processing } = settings;
  const devices = mediaDevices();
  const open = (chosen: string) =>
    devices.getUserMedia({
      audio: { ...processing, channelCount: 1, ...(chosen ? { deviceId: { exact: chosen } } : {}) },
    });
  try {
    return await open(deviceId);
  } catch (error) {
    const problem = captureError(error);
    if (problem.code !== "no-device" || deviceId === "") throw problem;
    return open("").catch((again: unknown) => {
      throw captureError(again);
    });
  }
}

/** The microphones there are; without names until the user has allowed one. */
export async function microphones(): Promise<MediaDeviceInfo[]> {
  try {
    const all = await mediaDevices().enumerateDevices();
    return all.filter((device) => device.kind === "audioinput" && device.deviceId !== "");
  } catch {
    return [];
  }
}

/** Calls `tell` when a device is plugged in or out; returns how to stop that. */
export function onDevicesChanged(tell: () => void): () => void {
  try {
    const devices = mediaDevices();
    devices.addEventListener("devicechange", tell);
    return () => devices.removeEventListener("devicechange", tell);
  } catch {
    return () => {};
  }
}
