/** TFLite files in LiteRT.js. Its module loads the variant of its WebAssembly that the browser takes. */

import type * as LiteRt from "@litertjs/core";
import type { FileOutput, OpenRequest, OpenSession, Runtime } from "./runtime";
import { fromNhwc, toNhwc } from "./layout";

export const liteRt: Runtime = { title: "LiteRT.js", open };

declare const __LITERT_VERSION__: string;

async function open(request: OpenRequest): Promise<OpenSession> {
  const { artifact, backend, channels, threads } = request;
  const folder = new URL("litert/", request.runtimesUrl);
  const litert = (await import(new URL("litert.js", folder).href)) as typeof LiteRt;
  const threaded = backend === "wasm" && threads > 1 && (await litert.supportsFeature("relaxedSimd"));
  await load(litert, folder, threaded);
  const model = await litert.loadAndCompile(request.model, {
    accelerator: backend,
    ...(threaded ? { cpuOptions: { numThreads: threads } } : {}),
  });
  const shape = [...model.getInputDetails()[0].shape];
  const used = threaded ? threads : 1;
  const onGpu = backend === "webgpu" && model.isFullyAccelerated;
  const where = onGpu ? "WebGPU" : `WebAssembly, ${used} thread${used > 1 ? "s" : ""}`;
  const runFile = async (input: Float32Array, wanted: readonly number[]): Promise<FileOutput> => {
    if (wanted.join() !== shape.join()) throw new Error(`${artifact.id} takes ${shape.join("x")}, not ${wanted.join("x")}`);
    const given = new litert.Tensor(input, [...wanted]);
    const outputs = await model.run(given);
    const here = await outputs[0].moveTo("wasm");
    const values = new Float32Array(here.toTypedArray());
    const output = { values, shape: [...here.type.layout.dimensions] };
    for (const tensor of [given, here, ...outputs]) if (!tensor.deleted) tensor.delete();
    return output;
  };
  return {
    description: `${liteRt.title} ${__LITERT_VERSION__}, ${where}`,
    async run(input, height, width) {
      const nhwc = artifact.layout === "NHWC";
      const wanted = nhwc ? [1, height, width, channels] : [1, channels, height, width];
      const { values } = await runFile(nhwc ? toNhwc(input, channels) : new Float32Array(input), wanted);
      return nhwc ? fromNhwc(values, channels) : values;
    },
    runFile,
    close: () => Promise.resolve(model.delete()),
  };
}

/** Once a page or worker. Threads are started from the script's own address, which Emscripten cannot see in a worker. */
async function load(litert: typeof LiteRt, folder: URL, threads: boolean): Promise<void> {
  if (litert.getGlobalLiteRtPromise() !== undefined) return;
  if (threads) {
    const script = new URL("litert_wasm_threaded_internal.js", folder).href;
    const locateFile = (name: string): string => new URL(name, folder).href;
    Object.assign(globalThis, { Module: { mainScriptUrlOrBlob: script, locateFile } });
  }
  await litert.loadLiteRt(folder.href, { threads });
}
