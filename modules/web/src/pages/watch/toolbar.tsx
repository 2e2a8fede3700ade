import { AArrowDown, AArrowUp, Columns2, Maximize, Rows2, Settings2 } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { type CaptionLanguage, ORIGINAL } from "~/captions/languages";
import { IconButton } from "~/ui/button";
import { languageName } from "~/ui/language";
import { changeSettings, nextScale, type ReaderSettings } from "./settings";
import { toggleFullscreen } from "./use-page";
import styles from "./watch.module.css";

const loadMenu = () => import("./watch-menu");
const WatchMenu = lazy(() => loadMenu().then((file) => ({ default: file.WatchMenu })));

interface ViewBarProps {
  readonly settings: ReaderSettings;
  /** Whether there is more than one language to put side by side. */
  readonly isColumnsOffered: boolean;
}

/** How the captions look: layout, size of the text, whole screen, theme. */
export function ViewBar({ settings: { layout, scale }, isColumnsOffered }: ViewBarProps) {
  const { t } = useTranslation("watch");
  const [smaller, larger] = [nextScale(scale, -1), nextScale(scale, 1)];
  return (
    <div className={styles.bar} role="toolbar" aria-label={t("bar")}>
      {isColumnsOffered && (
        <IconButton
          label={t(layout === "columns" ? "toBelow" : "toColumns")}
          icon={layout === "columns" ? <Rows2 aria-hidden size={20} /> : <Columns2 aria-hidden size={20} />}
          onClick={() => changeSettings({ layout: layout === "columns" ? "below" : "columns" })}
        />
      )}
      <IconButton
        label={t("smaller")}
        icon={<AArrowDown aria-hidden size={22} />}
        disabled={smaller === null}
        onClick={() => changeSettings({ scale: smaller ?? scale })}
      />
      <IconButton
        label={t("larger")}
        icon={<AArrowUp aria-hidden size={22} />}
        disabled={larger === null}
        onClick={() => changeSettings({ scale: larger ?? scale })}
      />
      {document.fullscreenEnabled && (
        <IconButton
          label={t("fullscreen")}
          icon={<Maximize aria-hidden size={20} />}
          onClick={toggleFullscreen}
        />
      )}
      <MenuOnDemand />
    </div>
  );
}

function MenuOnDemand() {
  const { t } = useTranslation("watch");
  const [isWanted, setWanted] = useState(false);
  const icon = <Settings2 aria-hidden size={20} />;
  const button = (
    <IconButton
      label={t("menu")}
      icon={icon}
      aria-haspopup="menu"
      onPointerEnter={() => void loadMenu()}
      onClick={() => setWanted(true)}
    />
  );
  if (!isWanted) return button;
  return (
    <Suspense fallback={button}>
      <WatchMenu icon={icon} />
    </Suspense>
  );
}

interface LanguageBarProps {
  readonly targets: readonly string[];
  readonly shown: readonly CaptionLanguage[];
  readonly onChoose: (code: CaptionLanguage) => void;
}

/** All languages that there are, each on or off. */
export function LanguageBar({ targets, shown, onChoose }: LanguageBarProps) {
  const { t, i18n } = useTranslation("watch");
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot scroll in a line
    <div className={styles.languages} role="group" aria-label={t("languages")}>
      {[ORIGINAL, ...targets].map((code) => (
        <button
          key={code}
          type="button"
          className={styles.language}
          aria-pressed={shown.includes(code)}
          onClick={() => onChoose(code)}
        >
          {code === ORIGINAL ? t("original") : languageName(code, i18n.language)}
        </button>
      ))}
    </div>
  );
}
