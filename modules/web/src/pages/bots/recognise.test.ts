import { describe, expect, it } from "vitest";
import { isUnverified, recognise, shortLink, wayOf, wholeLink } from "./recognise";

describe("recognise", () => {
  it.each([
    ["https://meet.google.com/abc-defg-hij", "google_meet"],
    ["https://teams.live.com/meet/93?p=x", "teams"],
    ["https://us05web.zoom.us/j/123?pwd=secret", "zoom_web"],
    ["https://meet.jit.si/Room", "jitsi"],
    ["rtmp://radio.example/live", "media"],
    ["srt://10.0.0.7:9000", "media"],
    ["https://radio.example/live.M3U8?token=x", "media"],
    ["http://127.0.0.1:9/talk.wav", "media"],
  ])("knows %s", (link, way) => {
    expect(recognise(link)).toEqual({ way, certain: true });
  });

  it("takes any other page for a meeting, and says that it is a guess", () => {
    expect(recognise("https://talk.example/room")).toEqual({ way: "generic", certain: false });
  });

  it("does not take a host for a platform that only sounds like it", () => {
    expect(recognise("https://notzoom.us/j/1")?.way).toBe("generic");
    expect(recognise("https://meet.google.com.evil.example/x")?.way).toBe("generic");
  });

  it.each(["", "   ", "hello", "mailto:a@b.example", "gopher://x.example", "https://"])(
    "finds no link in %j",
    (text) => {
      expect(recognise(text)).toBeNull();
    },
  );
});

describe("links", () => {
  it("are given a scheme where people leave it out", () => {
    expect(wholeLink(" meet.jit.si/Room ")).toBe("https://meet.jit.si/Room");
    expect(wholeLink("rtsp://cam.example")).toBe("rtsp://cam.example");
    expect(recognise("meet.google.com/abc")?.way).toBe("google_meet");
  });

  it("are shown by host and path", () => {
    expect(shortLink("https://meet.example/room/")).toBe("meet.example/room");
  });
});

it("says which recipes nobody has seen work", () => {
  expect((["media", "generic", "jitsi", "teams"] as const).map(isUnverified)).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

it("names the platform of a listed bot by its host", () => {
  expect(wayOf("browser", "https://meet.jit.si/Room")).toBe("jitsi");
  expect(wayOf("browser", "https://meet.jit.si/talk.wav")).toBe("jitsi");
  expect(wayOf("browser", "https://x.example/talk.wav")).toBe("generic");
  expect(wayOf("media", "https://meet.jit.si/Room")).toBe("media");
});
