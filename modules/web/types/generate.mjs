// Makes TypeScript types of the API's own documents:
//
//   npm run generate --workspace=@dragoman/types
//
// `dragoman schema` prints the documents; the variable DRAGOMAN names another program than the checkout's.
// The files are committed. Each begins with the SHA-256 of the text that its document was printed as, so that a
// test finds a document that has changed since, without Node.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import openapiTypescript, { astToString } from "openapi-typescript";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const DRAGOMAN = process.env.DRAGOMAN || here("../../../.venv/bin/dragoman");

function printed(kind) {
  return execFileSync(DRAGOMAN, ["schema", kind], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
}

function save(path, kind, text, types) {
  const hash = createHash("sha256").update(text).digest("hex");
  const head = `// Made by modules/web/types/generate.mjs from \`dragoman schema ${kind}\`; not to be edited.\n// sha256 ${hash}\n\n`;
  mkdirSync(dirname(here(path)), { recursive: true });
  writeFileSync(here(path), `${head + types.trimEnd()}\n`);
}

/** Docstrings come indented, and with the code marks of reStructuredText. */
function asComment(text) {
  return text
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .replaceAll("``", "`");
}

function withComments(node) {
  if (Array.isArray(node)) return node.map(withComments);
  if (node === null || typeof node !== "object") return node;
  const entries = Object.entries(node).map(([key, value]) =>
    key === "description" && typeof value === "string" ? [key, asComment(value)] : [key, withComments(value)],
  );
  return Object.fromEntries(entries);
}

function closeCodes(codes) {
  const lines = Object.entries(codes)
    .sort(([, one], [, other]) => one.code - other.code)
    .map(([name, { code }]) => `  ${name}: ${code},`);
  return `/** Why the server closes a socket; \`whatToDo\` tells what follows. */
export const CloseCode = {\n${lines.join("\n")}\n} as const;\n
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];\n`;
}

async function messageTypes(text) {
  const document = JSON.parse(text);
  const { CloseCode: _, ...definitions } = document.$defs;
  // Named here, because the library leaves out what nothing refers to.
  const anyOf = [...document.anyOf, { $ref: "#/$defs/ViewerMessage" }];
  const schema = withComments({ title: document.title, anyOf, $defs: definitions });
  const types = await compile(schema, document.title, {
    additionalProperties: false,
    bannerComment: "",
    style: { printWidth: 110 },
  });
  const { protocol, bearer_prefix } = document["x-subprotocols"];
  const names = `export const SUBPROTOCOL = ${JSON.stringify(protocol)};
/** Prefix of the subprotocol that carries a credential. */
export const BEARER_SUBPROTOCOL = ${JSON.stringify(bearer_prefix)};\n\n`;
  return `${names + closeCodes(document["x-close-codes"])}\n${types}`;
}

const websocket = printed("websocket");
save("../client/src/messages.gen.ts", "websocket", websocket, await messageTypes(websocket));

const openapi = printed("openapi");
const rest = astToString(await openapiTypescript(openapi, { defaultNonNullable: false }));
save("../src/api/schema.gen.ts", "openapi", openapi, rest);
