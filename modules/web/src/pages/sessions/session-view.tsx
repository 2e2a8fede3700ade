import { useQuery } from "@tanstack/react-query";
import { type RefObject, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Checkbox } from "~/ui/checkbox";
import { EmptyState } from "~/ui/empty-state";
import { Problem } from "~/ui/problem";
import { Segmented } from "~/ui/segmented";
import { isOpen, type Session } from "./arrange";
import { showHit } from "./highlights";
import { LanguageToggles } from "./language-toggles";
import { LedgerStrip } from "./ledger-strip";
import { Playback } from "./playback";
import { Player } from "./player";
import { type Hit, search } from "./search";
import { SearchBar } from "./search-bar";
import { type Segment, spokenLanguages } from "./segments";
import { ledgerQuery, transcriptQuery } from "./session-data";
import { SessionHead } from "./session-head";
import styles from "./session-view.module.css";
import { type Layout, Transcript } from "./transcript";
import { useMedia } from "./use-media";

const NONE: readonly Segment[] = [];
/** So many translations are shown at first; of more, the reader chooses. */
const LANES_AT_FIRST = 2;

/** A session that is there. */
export function SessionView({ session }: { session: Session }) {
  const { t } = useTranslation(["sessions", "app"]);
  const { targets } = session.translation;
  const [chosen, setChosen] = useState(() => targets.slice(0, LANES_AT_FIRST));
  const lanes = useMemo(() => chosen.filter((code) => targets.includes(code)), [chosen, targets]);
  const [layout, setLayout] = useState<Layout>("below");
  const [uncertain, setUncertain] = useState(false);
  const [playback] = useState(() => new Playback());
  const list = useRef<HTMLOListElement>(null);
  const wide = useMedia("(min-width: 46rem)");

  const ledger = useQuery(ledgerQuery(session));
  const transcript = useQuery(transcriptQuery(session, lanes));
  // A long transcript is rendered bit by bit, without holding up the rest of the page.
  const segments = useDeferredValue(transcript.data ?? NONE, NONE);
  const found = useSearch(segments, lanes, list);
  const heard = session.recording !== null && session.recording.duration_ms > 0;

  const spoken = useMemo(() => spokenLanguages(segments), [segments]);
  const go = useCallback(
    (ms: number) => {
      playback.seek(ms);
      const next = segments.findIndex((one) => one.end_ms > ms);
      list.current?.children[next]?.scrollIntoView({ block: "center" });
    },
    [playback, segments],
  );
  return (
    <>
      <SessionHead session={session} ledger={ledger.data} spoken={spoken} />
      {ledger.data && transcript.data && (
        <LedgerStrip ledger={ledger.data} segments={transcript.data} playback={playback} onGo={go} />
      )}
      <div className={styles.tools}>
        <SearchBar {...found.bar} />
        {targets.length > 0 && <LanguageToggles codes={targets} chosen={lanes} onChange={setChosen} />}
        {lanes.length > 0 && wide && (
          <Segmented
            label={t("transcript.layout")}
            hideLabel
            value={layout}
            onChange={setLayout}
            choices={(["below", "beside"] as const).map((value) => ({
              value,
              label: t(`transcript.${value}`),
            }))}
          />
        )}
        <Checkbox label={t("transcript.uncertain")} checked={uncertain} onChange={setUncertain} />
      </div>
      {transcript.error && <Problem error={transcript.error} />}
      {transcript.data?.length === 0 && (
        <EmptyState title={t("transcript.empty")}>
          {t(isOpen(session) ? "transcript.emptyOpen" : "transcript.emptyEnded")}
        </EmptyState>
      )}
      <Transcript
        list={list}
        segments={segments}
        lanes={lanes}
        layout={wide ? layout : "below"}
        uncertain={uncertain}
        open={isOpen(session)}
        heard={heard}
        playback={playback}
        hits={found.hits}
        hit={found.hit}
      />
      {heard && <Player session={session} playback={playback} />}
    </>
  );
}

/** The state of the search, and the hit that is shown brought into sight. */
function useSearch(segments: readonly Segment[], lanes: readonly string[], list: RefObject<Element | null>) {
  const [wanted, setWanted] = useState("");
  const [index, setIndex] = useState(0);
  const looked = useDeferredValue(wanted);
  const hits = useMemo(() => search(segments, lanes, looked), [segments, lanes, looked]);
  const current = Math.min(index, Math.max(hits.length - 1, 0));
  const hit = hits[current];
  // New words of a live session change the hits, not what the reader looks at.
  const shown = useRef("");
  useEffect(() => {
    const key = hit === undefined ? "" : placeOf(hit, looked);
    if (key === shown.current) return;
    shown.current = key;
    if (hit && list.current) showHit(list.current, hit);
  }, [hit, looked, list]);
  const bar = {
    wanted,
    onChange: (next: string) => {
      setWanted(next);
      setIndex(0);
    },
    count: hits.length,
    current,
    onStep: (step: 1 | -1) => setIndex(hits.length === 0 ? 0 : (current + step + hits.length) % hits.length),
  };
  return { hits, hit, bar };
}

function placeOf(hit: Hit, wanted: string): string {
  return [wanted, hit.segment, hit.lane, hit.start].join();
}
