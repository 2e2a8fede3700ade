// Completes dist/ to a package that can be published and installed (`npm publish dist`): here the package's
// exports name its sources, for those who work on it; there they name what was built.

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { scripts: _, ...manifest } = JSON.parse(readFileSync(here("package.json"), "utf8"));
const exports = { ".": { types: "./index.d.ts", default: "./index.js" } };
writeFileSync(here("dist/package.json"), `${JSON.stringify({ ...manifest, exports }, null, 2)}\n`);
copyFileSync(here("README.md"), here("dist/README.md"));
copyFileSync(here("../../../LICENSE"), here("dist/LICENSE"));
