import { expect, test } from "vitest";
import { Playback } from "./playback";

/** An audio element as far as it matters here: happy-dom's has no metadata. */
class FakeAudio extends EventTarget {
  currentTime = 0;
  duration = 10;
  readyState = 1;
  paused = true;
  loads = 0;
  load() {
    this.loads++;
  }
}

function attached(more: Partial<FakeAudio> = {}) {
  const audio = Object.assign(new FakeAudio(), more);
  const playback = new Playback();
  const heard: number[] = [];
  playback.listen((ms) => heard.push(ms));
  const detach = playback.attach(audio as unknown as HTMLAudioElement);
  return { audio, playback, heard, detach };
}

test("it goes to a moment, never beyond the ends", () => {
  const { audio, playback } = attached();
  playback.seek(3_022);
  expect(audio.currentTime).toBe(3.022);
  expect(playback.ms).toBe(3_022);
  playback.seek(99_000);
  expect(audio.currentTime).toBe(10);
  playback.seek(-5);
  expect(audio.currentTime).toBe(0);
});

test("it skips from where it is", () => {
  const { audio, playback } = attached();
  playback.seek(4_000);
  playback.skip(-5_000);
  expect(audio.currentTime).toBe(0);
  playback.skip(5_000);
  expect(audio.currentTime).toBe(5);
});

test("a recording that grows is loaded again for what was not there yet, and nobody hears of the way", () => {
  const { audio, playback, heard } = attached();
  playback.grows = true;
  playback.seek(12_000);
  expect(audio.loads).toBe(1);
  audio.dispatchEvent(new Event("pause"));
  expect(heard).toEqual([]);
  audio.duration = 15;
  audio.dispatchEvent(new Event("loadedmetadata"));
  expect(audio.currentTime).toBe(12);
  audio.dispatchEvent(new Event("seeking"));
  expect(heard).toEqual([12_000]);
});

test("what is asked for before anything is known of the recording is gone to then", () => {
  const { audio, playback } = attached({ readyState: 0, duration: Number.NaN });
  playback.seek(2_000);
  expect(audio.currentTime).toBe(0);
  audio.duration = 10;
  audio.dispatchEvent(new Event("loadedmetadata"));
  expect(audio.currentTime).toBe(2);
});

test("without an element nothing happens", () => {
  const { audio, playback, heard, detach } = attached();
  detach();
  playback.seek(1_000);
  playback.toggle();
  audio.dispatchEvent(new Event("seeking"));
  expect(heard).toEqual([]);
  expect(audio.currentTime).toBe(0);
});
