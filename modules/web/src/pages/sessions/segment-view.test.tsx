import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Hit } from "./search";
import { SegmentView } from "./segment-view";
import type { Segment } from "./segments";

const SEGMENT: Segment = {
  segment_id: "s1",
  text: "The meeting starts.",
  start_ms: 62_000,
  end_ms: 64_000,
  language: "en",
  confidence: 1,
  speaker: "Anna",
  words: [
    { text: " The", start_ms: 62_000, end_ms: 62_200, probability: 0.99 },
    { text: " meeting", start_ms: 62_200, end_ms: 62_800, probability: 0.31 },
    { text: " starts.", start_ms: 62_800, end_ms: 63_500, probability: 0.99 },
  ],
  texts: { ar: "يبدأ الاجتماع.", de: null },
};

function show(more: { heard?: boolean; named?: boolean; lanes?: string[]; marks?: Hit[] } = {}) {
  const { heard = false, named = false, lanes = [], marks } = more;
  const { container } = render(
    <SegmentView
      segment={SEGMENT}
      index={0}
      lanes={lanes}
      named={named}
      heard={heard}
      open={false}
      marks={marks}
    />,
  );
  return container;
}

test("without a recording only uncertain words are elements, and the text is whole", () => {
  const shown = show();
  expect([...shown.querySelectorAll("[data-low]")].map((one) => one.textContent)).toEqual(["meeting"]);
  expect(shown.querySelectorAll("[data-word]")).toHaveLength(0);
  expect(shown.querySelector("[lang=en]")?.textContent).toBe(SEGMENT.text);
  expect(screen.queryByRole("button")).toBeNull();
});

test("with a recording every word can be gone to, and so can the segment", () => {
  const shown = show({ heard: true });
  expect([...shown.querySelectorAll("[data-word]")].map((one) => one.textContent)).toEqual([
    "The",
    "meeting",
    "starts.",
  ]);
  expect(screen.getByRole("button").textContent).toBe("1:02");
});

test("translations have their language and direction, and one that is missing is told", () => {
  const shown = show({ lanes: ["ar", "de"] });
  expect(shown.querySelector("[lang=ar]")?.getAttribute("dir")).toBe("rtl");
  expect(shown.querySelector("[lang=de]")).toBeNull();
  expect(screen.getByText("transcript.noTranslation")).toBeTruthy();
});

test("the speaker is named where told", () => {
  show({ named: true });
  expect(screen.getByText("Anna")).toBeTruthy();
});

test("what was found is marked across words where the browser cannot mark text by itself", () => {
  const shown = show({ heard: true, marks: [{ segment: 0, lane: "", start: 2, end: 7 }] });
  expect([...shown.querySelectorAll("mark")].map((one) => one.textContent)).toEqual(["e", " ", "mee"]);
  expect(shown.querySelector("[lang=en]")?.textContent).toBe(SEGMENT.text);
});
