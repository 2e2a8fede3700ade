import { ChevronDown, ChevronUp, Search, X } from "lucide-react";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "~/ui/button";
import { MAX_HITS } from "./search";
import styles from "./search-bar.module.css";

interface SearchBarProps {
  readonly wanted: string;
  readonly onChange: (wanted: string) => void;
  /** How many places were found, and which of them is shown (from 0). */
  readonly count: number;
  readonly current: number;
  /** Goes on by so many hits. */
  readonly onStep: (step: 1 | -1) => void;
}

/** The field to search in a transcript: Enter goes to the next hit, with Shift to the one before, Escape clears. */
export function SearchBar({ wanted, onChange, count, current, onStep }: SearchBarProps) {
  const { t } = useTranslation("sessions");
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && wanted !== "") onChange("");
    else return;
    event.preventDefault();
  };
  const found = { current: count === 0 ? 0 : current + 1, count };
  return (
    <search className={styles.bar}>
      <div className={styles.field}>
        <Search aria-hidden size={18} />
        <input
          className={styles.input}
          aria-label={t("search.label")}
          placeholder={t("search.label")}
          value={wanted}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKeyDown}
          enterKeyHint="search"
          dir="auto"
        />
        <span role="status" className={styles.count}>
          {wanted.trim() === ""
            ? ""
            : count === 0
              ? t("search.none")
              : t(count === MAX_HITS ? "search.countMore" : "search.count", found)}
        </span>
        {wanted !== "" && (
          <button
            type="button"
            className={styles.clear}
            aria-label={t("search.clear")}
            onClick={() => onChange("")}
          >
            <X aria-hidden size={16} />
          </button>
        )}
      </div>
      <IconButton
        label={t("search.previous")}
        icon={<ChevronUp aria-hidden size={18} />}
        disabled={count === 0}
        focusableWhenDisabled
        onClick={() => onStep(-1)}
      />
      <IconButton
        label={t("search.next")}
        icon={<ChevronDown aria-hidden size={18} />}
        disabled={count === 0}
        focusableWhenDisabled
        onClick={() => onStep(1)}
      />
    </search>
  );
}
