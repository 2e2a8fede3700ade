import { expect, it } from "vitest";
import { duration, seconds, size } from "./units";

it.each([
  [0.4, "0 sec"],
  [59, "59 sec"],
  [185, "3 min"],
  [7_620, "2 hr 7 min"],
  [7_200, "2 hr"],
  [442_800, "5 days 3 hr"],
  [-3, "0 sec"],
])("tells %d s as %s", (value, text) => {
  expect(duration(value, "en")).toBe(text);
});

it.each([
  [0, "0 B"],
  [1_023, "1,023 B"],
  [1_024, "1 KiB"],
  [2_258_832, "2.2 MiB"],
  [5 * 1024 ** 3, "5 GiB"],
])("tells %d bytes as %s", (value, text) => {
  expect(size(value, "en")).toBe(text);
});

it("writes figures as the reader does", () => {
  expect(seconds(1.25, "de")).toBe("1,3 Sek.");
  expect(size(2_258_832, "de")).toBe("2,2 MiB");
});
