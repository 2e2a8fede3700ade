import { useTranslation } from "react-i18next";
import { Select } from "~/ui/select";

/** How lines on a screen look; as the options of their address. */
export interface ScreenLook {
  readonly lines: "1" | "2" | "3" | "4";
  readonly size: "small" | "medium" | "large";
  readonly background: "dark" | "green";
  readonly text: "box" | "outline";
  readonly position: "bottom" | "top";
}

export const USUAL_LOOK: ScreenLook = {
  lines: "3",
  size: "medium",
  background: "dark",
  text: "box",
  position: "bottom",
};
const SIZES = { small: "5", medium: "7", large: "10" } as const;
/** What mixers take out by themselves. */
const GREEN = "00ff00";

/** The query of a link to such a view. */
export function queryOf(kind: "page" | "screen" | "overlay", look: ScreenLook): Record<string, string> {
  if (kind === "page") return {};
  const { lines, size, background, text, position } = look;
  return {
    ...(kind === "overlay" ? { caption: "" } : { view: "screen" }),
    lines,
    size: SIZES[size],
    ...(position === "top" && { position }),
    ...(kind === "screen" && background === "green" && { bg: GREEN }),
    ...(kind === "overlay" && text === "outline" && { text }),
  };
}

interface LookProps {
  readonly kind: "screen" | "overlay";
  readonly look: ScreenLook;
  readonly onChange: (look: ScreenLook) => void;
}

/** What can be chosen of it. */
export function Look({ kind, look, onChange }: LookProps) {
  const { t } = useTranslation("watch");
  return (
    <>
      <Select
        label={t("share.lines")}
        value={look.lines}
        onChange={(lines) => onChange({ ...look, lines })}
        choices={(["1", "2", "3", "4"] as const).map((value) => ({ value, label: value }))}
      />
      <Select
        label={t("share.size")}
        value={look.size}
        onChange={(size) => onChange({ ...look, size })}
        choices={(["small", "medium", "large"] as const).map((value) => ({
          value,
          label: t(`share.sizes.${value}`),
        }))}
      />
      <Select
        label={t("share.position")}
        value={look.position}
        onChange={(position) => onChange({ ...look, position })}
        choices={(["bottom", "top"] as const).map((value) => ({
          value,
          label: t(`share.positions.${value}`),
        }))}
      />
      {kind === "screen" ? (
        <Select
          label={t("share.background")}
          value={look.background}
          onChange={(background) => onChange({ ...look, background })}
          choices={(["dark", "green"] as const).map((value) => ({
            value,
            label: t(`share.backgrounds.${value}`),
          }))}
        />
      ) : (
        <Select
          label={t("share.text")}
          value={look.text}
          onChange={(text) => onChange({ ...look, text })}
          choices={(["box", "outline"] as const).map((value) => ({
            value,
            label: t(`share.texts.${value}`),
          }))}
        />
      )}
    </>
  );
}
