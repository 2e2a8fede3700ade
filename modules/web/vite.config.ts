import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const API = process.env.DRAGOMAN_CLIENT_SERVER ?? "http://127.0.0.1:8080";

/** What the page is made of; a test of the repository holds the committed build against it without Node. */
const SOURCES = [
  "index.html",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "vite.config.ts",
  "public",
  "src",
  "client/src",
];

function filesIn(path: string): string[] {
  if (!statSync(here(path)).isDirectory()) return [path];
  return readdirSync(here(path)).flatMap((name) => filesIn(`${path}/${name}`));
}

function fingerprint(): Plugin {
  return {
    name: "fingerprint",
    apply: "build",
    generateBundle() {
      const files = SOURCES.flatMap(filesIn)
        .filter((file) => !file.includes(".test."))
        .sort();
      const hash = createHash("sha256");
      for (const file of files) {
        hash
          .update(file)
          .update("\0")
          .update(readFileSync(here(file)))
          .update("\0");
      }
      const source = `${JSON.stringify({ sources_sha256: hash.digest("hex"), files: files.length })}\n`;
      this.emitFile({ type: "asset", fileName: "build.json", source });
    },
  };
}

export default defineConfig({
  root: here("."),
  plugins: [react(), fingerprint()],
  resolve: {
    alias: { "~": here("src"), "@dragoman/client": here("client/src/index.ts") },
  },
  worker: { format: "es" },
  build: {
    outDir: here("../dragoman_orchestration/api/static"),
    emptyOutDir: true,
    target: "es2023",
    // The Content-Security-Policy allows no data: URLs for scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What every page needs comes in one piece, and stays in the browser's cache over releases.
          groups: [
            {
              name: "framework",
              test: /node_modules\/(react|react-dom|scheduler|use-sync-external-store|@tanstack|i18next|react-i18next)\//,
            },
          ],
        },
      },
    },
  },
  server: { proxy: { "/v1": { target: API, ws: true }, "/health": API, "/docs": API, "/openapi.json": API } },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}", "client/**/*.test.ts"],
    exclude: ["**/node_modules/**", "client/dist/**"],
    restoreMocks: true,
  },
});
