/** TFLite files in LiteRT.js. Its module loads the variant of its WebAssembly that the browser takes. */

import type * as LiteRt from "@litertjs/core";
import { described, type OpenRequest, type OpenSession, type Runtime } from "./runtime";

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
  if (loadedFor === null) await (backend === "wasm" ? withoutGpu(() => load(litert, folder, threaded)) : load(litert, folder, false));
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
  litert: typeof LiteRt, compiled: LiteRt.CompiledModel, values: Float32Array, shape: number[],
): Promise<{ shape: number[]; values: Float32Array }> {
  const wanted = compiled.getInputDetails()[0].shape;
  if (wanted.join() !== shape.join()) throw new Error(`the file takes ${wanted.join("x")}, not ${shape.join("x")}`);
  const given = new litert.Tensor(new Float32Array(values), shape);
  const outputs = await compiled.run(given);
  const here = await outputs[0].moveTo("wasm");
  const result = new Float32Array(here.toTypedArray() as Float32Array);
  for (const tensor of [given, here, ...outputs]) if (!tensor.deleted) tensor.delete();
  return { shape: [...compiled.getOutputDetails()[0].shape], values: result };
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

/** Its start asks for a GPU whatever it is started for, and logs an error where there is none. */
async function withoutGpu(start: () => Promise<void>): Promise<void> {
  Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
  try {
    await start();
  } finally {
    Reflect.deleteProperty(navigator, "gpu");
  }
}
