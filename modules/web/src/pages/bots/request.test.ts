import { describe, expect, it } from "vitest";
import { ProblemError } from "~/app/problem";
import { fieldError, NO_WISH, requestKey, requestOf } from "./request";

describe("requestOf", () => {
  it("leaves out what the user left out, so that the configuration decides", () => {
    expect(requestOf({ ...NO_WISH, link: "radio.example/live.m3u8" }, "media")).toEqual({
      driver: "media",
      url: "https://radio.example/live.m3u8",
      session: {},
    });
  });

  it("asks a browser for all that the form holds", () => {
    const wish = {
      ...NO_WISH,
      link: "https://meet.jit.si/Room",
      spoken: "en",
      targets: ["es", "ar"],
      name: " Dragoman ",
      notice: "We are transcribed.",
      title: "Board",
      joinAt: "2026-11-22T09:30",
      lengthMin: "90",
    };
    expect(requestOf(wish, "jitsi")).toEqual({
      driver: "browser",
      url: "https://meet.jit.si/Room",
      recipe: "jitsi",
      display_name: "Dragoman",
      notice: "We are transcribed.",
      join_at: new Date("2026-11-22T09:30").toISOString(),
      limits: { length_s: 5400 },
      session: { title: "Board", language: "en", translation: { targets: ["es", "ar"] } },
    });
  });

  it("sends no name and notice to a stream", () => {
    const body = requestOf({ ...NO_WISH, link: "rtmp://a.example/b", name: "Bot", notice: "Hello" }, "media");
    expect(body).not.toHaveProperty("display_name");
    expect(body).not.toHaveProperty("notice");
  });
});

describe("fieldError", () => {
  const problem = (detail: string, code = "invalid_input", status = 422) =>
    new ProblemError(status, code, detail, "Do this.");

  it.each([
    ["url: it is no URL", "link", "It is no URL. Do this."],
    ["join_at: it is over", "joinAt", "It is over. Do this."],
    ["recipe: there is none of this name", "way", "There is none of this name. Do this."],
    [
      "the request is not valid: body.display_name: String should have at most 80 characters",
      "name",
      "String should have at most 80 characters. Do this.",
    ],
    ["the request is not valid: body.session.translation.targets.0: odd", "targets", "Odd. Do this."],
  ])("finds the field of %j", (detail, field, message) => {
    expect(fieldError(problem(detail))).toEqual({ field, message });
  });

  it("knows codes that name no field", () => {
    expect(fieldError(problem("the host's address is not public", "address_forbidden"))).toEqual({
      field: "link",
      message: "The host's address is not public. Do this.",
    });
  });

  it("leaves all else to the page", () => {
    expect(fieldError(problem("something: odd"))).toBeNull();
    expect(fieldError(problem("url: it is no URL", "x", 503))).toBeNull();
    expect(fieldError(new Error("url: it is no URL"))).toBeNull();
  });
});

it("makes keys that the API takes, and never twice the same", () => {
  expect(requestKey()).toMatch(/^[!-~]{1,200}$/);
  expect(requestKey()).not.toBe(requestKey());
});
