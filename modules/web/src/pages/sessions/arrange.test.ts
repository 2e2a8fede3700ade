import { expect, test } from "vitest";
import { arrange, distinct, type Session } from "./arrange";

function session(id: string, status: Session["status"], created_at: string): Session {
  return {
    id,
    status,
    created_at,
    title: id,
    profile: "cpu",
    language: null,
    partials: true,
    translation: {
      targets: [],
      on_demand: false,
      drafts: true,
      formality: "default",
      glossaries: [],
      terms: 0,
    },
    recording: null,
    ended_at: null,
    end_reason: null,
    audio_url: "",
    events_url: "",
  };
}

const ALL = [
  session("New", "created", "2026-03-01T00:00:00Z"),
  session("Café", "ended", "2026-02-01T00:00:00Z"),
  session("Old and live", "live", "2026-01-01T00:00:00Z"),
];
const ids = (text: string, status: "all" | "open" | "ended") =>
  arrange(ALL, { text, status }, (one) => one.title).map((one) => one.id);

test("live sessions come first, then the newest", () => {
  expect(ids("", "all")).toEqual(["Old and live", "New", "Café"]);
});

test("the list is narrowed by status, and by title without regard to case and accents", () => {
  expect(ids("", "ended")).toEqual(["Café"]);
  expect(ids("", "open")).toEqual(["Old and live", "New"]);
  expect(ids("CAFE", "all")).toEqual(["Café"]);
  expect(ids("cafe", "open")).toEqual([]);
});

test("a session that two pages hold is there once, as the later page has it", () => {
  const [first, second] = [session("a", "live", ""), session("a", "ended", "")];
  expect(distinct([{ sessions: [first] }, { sessions: [second] }])).toEqual([second]);
});
