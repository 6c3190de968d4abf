/** TFLite files in LiteRT.js. Its module loads the variant of its WebAssembly that the browser takes. */

import type * as LiteRt from "@litertjs/core";
import { described, type FileOutput, type OpenRequest, type OpenSession, type Runtime } from "./runtime";

export const liteRt: Runtime = { title: "LiteRT.js", open };

declare const __LITERT_VERSION__: string;

/** For what LiteRT.js was loaded in this page or worker: it can be loaded once. */
let loadedFor: string | null = null;

async function open({ model, backend, threads, runtimesUrl }: OpenRequest): Promise<OpenSession> {
  const folder = new URL("litert/", runtimesUrl);
  const litert = (await import(new URL("litert.js", folder).href)) as typeof LiteRt;
  const threaded = backend === "wasm" && threads > 1 && (await litert.supportsFeature("relaxedSimd"));
  const purpose = described(backend, threaded ? threads : 1);
  if (loadedFor !== null && loadedFor !== purpose) {
    throw new Error(`LiteRT.js is loaded for ${loadedFor} here: open a file for ${purpose} in another worker`);
  }
  if (loadedFor === null) await load(litert, folder, threaded);
  loadedFor = purpose;
  const options = threaded ? { cpuOptions: { numThreads: threads } } : {};
  const compiled = await litert.loadAndCompile(model, { accelerator: backend, ...options });
  const ran = backend === "webgpu" && !compiled.isFullyAccelerated ? `${described("wasm", 1)} (not all on WebGPU)` : purpose;
  return {
    description: `${liteRt.title} ${__LITERT_VERSION__}, ${ran}`,
    runFile: (values, shape) => run(litert, compiled, values, shape),
    close: () => Promise.resolve(compiled.delete()),
  };
}

async function run(
  litert: typeof LiteRt, compiled: LiteRt.CompiledModel, values: Float32Array, shape: readonly number[],
): Promise<FileOutput> {
  const wanted = compiled.getInputDetails()[0].shape;
  if (wanted.join() !== shape.join()) throw new Error(`the file takes ${wanted.join("x")}, not ${shape.join("x")}`);
  const given = new litert.Tensor(new Float32Array(values), [...shape]);
  const outputs = await compiled.run(given);
  const here = await outputs[0].moveTo("wasm");
  const output = { values: new Float32Array(here.toTypedArray()), shape: [...here.type.layout.dimensions] };
  for (const tensor of [given, here, ...outputs]) if (!tensor.deleted) tensor.delete();
  return output;
}

/**
 * Threads are started from the script's own address, which Emscripten cannot see in a worker. LiteRT writes what it
 * does to standard error, which Emscripten would show as errors.
 */
async function load(litert: typeof LiteRt, folder: URL, threads: boolean): Promise<void> {
  const script = new URL("litert_wasm_threaded_internal.js", folder).href;
  const Module = {
    locateFile: (name: string): string => new URL(name, folder).href,
    printErr: (line: string): void => (/^(INFO|WARNING)/.test(line) ? console.debug(line) : console.error(line)),
    ...(threads ? { mainScriptUrlOrBlob: script } : {}),
  };
  Object.assign(globalThis, { Module });
  await litert.loadLiteRt(folder.href, { threads });
}
