import { describe, expect, it } from "vitest";
import { fragmentOf, readFragment, viewOptions, watchLink } from "./address";

describe("viewOptions", () => {
  it("is the page to read at by itself", () => {
    expect(viewOptions("")).toMatchObject({ view: "page", background: null });
  });

  it("knows the big screen and the overlay", () => {
    expect(viewOptions("?view=screen")).toMatchObject({ view: "screen", lines: 3 });
    expect(viewOptions("?caption")).toMatchObject({ view: "overlay", lines: 2, text: "box" });
    expect(viewOptions("?caption=&view=screen&text=outline")).toMatchObject({
      view: "overlay",
      text: "outline",
    });
  });

  it("takes colours that are some, with or without #", () => {
    expect(viewOptions("?bg=00FF00").background).toBe("#00ff00");
    expect(viewOptions("?bg=%230f0").background).toBe("#0f0");
    for (const bad of ["00ff0", "red", "url(x)", "00ff00;color:red", ""]) {
      expect(viewOptions(`?bg=${encodeURIComponent(bad)}`).background).toBeNull();
    }
  });

  it("keeps numbers within what can be read", () => {
    expect(viewOptions("?view=screen&lines=99&size=0.1")).toMatchObject({ lines: 6, size: 2 });
    expect(viewOptions("?view=screen&lines=x&size=")).toMatchObject({ lines: 3, size: 7 });
  });
});

describe("links", () => {
  it("say again what was put into them", () => {
    const fragment = { token: "WyIw.c2ln-_=", languages: ["original", "pt-BR"] };
    const link = new URL(watchLink("https://x.test", "abc", fragment, { caption: "", lines: "2" }));
    expect(link.pathname).toBe("/watch/abc");
    expect(link.search).toBe("?caption&lines=2");
    expect(link.search + link.pathname).not.toContain("WyIw");
    expect(readFragment(link.hash)).toEqual(fragment);
    expect(viewOptions(link.search)).toMatchObject({ view: "overlay", lines: 2 });
  });

  it("leave the choice of language open where they name none, or nonsense", () => {
    expect(readFragment("#token=a&lang=")).toEqual({ token: "a", languages: null });
    expect(readFragment("#token=a&lang=<b>,..")).toEqual({ token: "a", languages: null });
    expect(fragmentOf({ token: null, languages: null })).toBe("");
  });
});
