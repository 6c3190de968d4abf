/** Writes dist/: the page, its worker, the module for other pages, and the runtimes' own files. */

import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { build } from "esbuild";

const ORT_FILES = [
  "ort.wasm.min.mjs",
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.wasm",
  "ort.webgpu.min.mjs",
  "ort-wasm-simd-threaded.asyncify.mjs",
  "ort-wasm-simd-threaded.asyncify.wasm",
];
const LITERT_VARIANTS = ["litert_wasm_internal", "litert_wasm_compat_internal", "litert_wasm_threaded_internal"];

const litertVersion = JSON.parse(await readFile("node_modules/@litertjs/core/package.json", "utf8")).version;
const common = {
  bundle: true,
  minify: true,
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
  define: { __LITERT_VERSION__: JSON.stringify(litertVersion) },
};

await rm("dist", { recursive: true, force: true });
await mkdir("dist/runtimes", { recursive: true });
await cp("static", "dist", { recursive: true });
await build({ ...common, entryPoints: ["src/app.ts"], format: "esm", outdir: "dist" });
const modules = ["src/upscaler.ts", "src/sessions.ts"];
await build({ ...common, entryPoints: modules, format: "esm", minify: false, outdir: "dist" });
// Classic scripts: LiteRT.js loads its WebAssembly by importScripts, which workers of type "module" refuse.
await build({ ...common, entryPoints: ["src/worker.ts", "src/sw.ts", "src/device.ts"], format: "iife", outdir: "dist" });
await build({
  ...common, entryPoints: { litert: "node_modules/@litertjs/core/dist/index.js" }, format: "esm",
  outdir: "dist/runtimes/litert",
});
for (const name of ORT_FILES) await cp(`node_modules/onnxruntime-web/dist/${name}`, `dist/runtimes/ort/${name}`);
for (const name of LITERT_VARIANTS) {
  for (const suffix of ["js", "wasm"]) {
    await cp(`node_modules/@litertjs/core/wasm/${name}.${suffix}`, `dist/runtimes/litert/${name}.${suffix}`);
  }
}

const types = spawnSync(
  process.execPath,
  ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json"],
  { stdio: "inherit" },
);
if (types.status !== 0) process.exit(1);
for (const name of ["upscaler", "sessions"]) await writeFile(`dist/${name}.d.ts`, `export * from "./types/${name}";\n`);
