import { expect, it } from "vitest";
import { actionOf } from "./use-shortcuts";

const ACTIONS = { m: "mute", "?": "help" };

function press(key: string, on: string, more: KeyboardEventInit = {}): string | undefined {
  document.body.innerHTML = on;
  const target = document.querySelector("[data-on]") ?? document.body;
  const event = new KeyboardEvent("keydown", { key, bubbles: true, ...more });
  let action: string | undefined;
  const listen = (heard: Event) => {
    action = actionOf(heard as KeyboardEvent, ACTIONS);
  };
  window.addEventListener("keydown", listen);
  target.dispatchEvent(event);
  window.removeEventListener("keydown", listen);
  return action;
}

it("a key does what it is for, small or capital", () => {
  expect(press("m", "<main data-on></main>")).toBe("mute");
  expect(press("M", "<button data-on></button>")).toBe("mute");
  expect(press("?", "")).toBe("help");
  expect(press("x", "")).toBeUndefined();
});

it.each([
  "<input data-on>",
  "<textarea data-on></textarea>",
  "<select data-on></select>",
  "<dialog open><button data-on></button></dialog>",
  "<div role='menu'><button data-on></button></div>",
])("in %s it is left alone", (on) => {
  expect(press("m", on)).toBeUndefined();
});

it("with Ctrl, Alt or Meta it is the browser's", () => {
  for (const held of ["ctrlKey", "altKey", "metaKey"]) {
    expect(press("m", "", { [held]: true })).toBeUndefined();
  }
});
