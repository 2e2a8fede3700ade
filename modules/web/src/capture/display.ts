import { CaptureError, captureError, mediaDevices } from "./problem";
import { stopTracks } from "./stream-source";

/** Whether this browser can share a tab or the screen; phones cannot. */
export function sharesDisplay(): boolean {
  try {
    return "getDisplayMedia" in mediaDevices();
  } catch {
    return false;
  }
}

/**
 * Opens the sound of a tab or of the system; the browser asks the user which.
 *
 * Throws a `CaptureError`: `no-audio` where the user shared without sound.
 */
export async function openDisplay(): Promise<MediaStream> {
  if (!sharesDisplay()) throw new CaptureError("unsupported");
  const wanted = {
    // Browsers give sound only together with a picture.
    video: { width: 320, height: 180, frameRate: 1 },
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    systemAudio: "include",
    suppressLocalAudioPlayback: false,
    selfBrowserSurface: "exclude",
  };
  let shared: MediaStream;
  try {
    shared = await mediaDevices().getDisplayMedia(wanted);
  } catch (error) {
    const problem = captureError(error);
    throw problem.code === "denied" ? new CaptureError("cancelled", { cause: error }) : problem;
  }
  const [sound] = shared.getAudioTracks();
  if (!sound) {
    stopTracks(shared);
    throw new CaptureError("no-audio");
  }
  // Stopping the picture would end the share in some browsers: it is only not looked at.
  for (const picture of shared.getVideoTracks()) picture.enabled = false;
  return shared;
}
