import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { AudioLines, Bot, Gauge, ListVideo, Settings2, SlidersHorizontal } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "~/ui/button";
import { KeyGate } from "./key-gate";
import { useOnAir } from "./on-air";
import styles from "./shell.module.css";

const PAGES = [
  { to: "/", icon: AudioLines, name: "nav.live" },
  { to: "/sessions", icon: ListVideo, name: "nav.sessions" },
  { to: "/bots", icon: Bot, name: "nav.bots" },
  { to: "/settings", icon: SlidersHorizontal, name: "nav.settings" },
  { to: "/system", icon: Gauge, name: "nav.system" },
] as const;

const loadMenu = () => import("./app-menu");
const AppMenu = lazy(() => loadMenu().then((file) => ({ default: file.AppMenu })));

/** A third of all JavaScript is what menus need: it is fetched by the first who reaches for one. */
function MenuOnDemand() {
  const { t } = useTranslation("app");
  const [wanted, setWanted] = useState(false);
  const icon = <Settings2 aria-hidden size={20} />;
  const button = (
    <IconButton
      label={t("menu.label")}
      icon={icon}
      aria-haspopup="menu"
      onPointerEnter={() => void loadMenu()}
      onClick={() => setWanted(true)}
    />
  );
  if (!wanted) return button;
  return (
    <Suspense fallback={button}>
      <AppMenu icon={icon} />
    </Suspense>
  );
}

/** Header, navigation (at the foot of a phone) and the page; nothing of it is shown without a key. */
export function Shell() {
  const { t } = useTranslation("app");
  const isOnAir = useOnAir();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        {t("skip")}
      </a>
      <header className={styles.header}>
        <Link to="/" className={styles.brand}>
          <img src="/favicon.svg" alt="" width={28} height={28} />
          <span>Dragoman</span>
        </Link>
        <nav className={styles.nav} aria-label={t("nav.label")}>
          <ul>
            {PAGES.map(({ to, icon: Icon, name }) => (
              <li key={to}>
                <Link to={to} activeOptions={{ exact: to === "/" }} className={styles.link}>
                  <Icon aria-hidden size={18} />
                  <span>{t(name)}</span>
                  {to === "/" && isOnAir && (
                    <span className={styles.onAir}>
                      <span className="visually-hidden">{t("nav.onAir")}</span>
                    </span>
                  )}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <MenuOnDemand />
      </header>
      <main id="main" tabIndex={-1} className={styles.main} data-path={path}>
        <KeyGate>
          <Suspense fallback={null}>
            <Outlet />
          </Suspense>
        </KeyGate>
      </main>
    </div>
  );
}
