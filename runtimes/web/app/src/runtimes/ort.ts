/** ONNX files in onnxruntime-web. Its own modules are loaded as they are, so that a page fetches one variant alone. */

import type * as Ort from "onnxruntime-web/wasm";
import type { FileOutput, OpenRequest, OpenSession, Runtime } from "./runtime";
import { fromNhwc, toNhwc } from "./layout";

/** The module of each back end; each loads the .wasm file that it needs from the same folder. */
const MODULES = { wasm: "ort.wasm.min.mjs", webgpu: "ort.webgpu.min.mjs" } as const;

export const onnxRuntimeWeb: Runtime = { title: "ONNX Runtime Web", open };

async function open(request: OpenRequest): Promise<OpenSession> {
  const { artifact, backend, channels } = request;
  const folder = new URL("ort/", request.runtimesUrl);
  const ort = (await import(new URL(MODULES[backend], folder).href)) as typeof Ort;
  ort.env.wasm.wasmPaths = folder.href;
  ort.env.wasm.numThreads = request.threads;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(request.model, { executionProviders: [backend] });
  const where = backend === "webgpu" ? "WebGPU" : `WebAssembly, ${request.threads} thread${request.threads > 1 ? "s" : ""}`;
  const runFile = async (values: Float32Array, shape: readonly number[]): Promise<FileOutput> => {
    const given = new ort.Tensor("float32", values, shape);
    const results = await session.run({ [session.inputNames[0]]: given });
    const output = results[session.outputNames[0]];
    const data = (await output.getData(true)) as Float32Array;
    given.dispose();
    return { values: data, shape: output.dims };
  };
  return {
    description: `${onnxRuntimeWeb.title} ${ort.env.versions.web ?? ""}, ${where}`,
    async run(input, height, width) {
      const nchw = artifact.layout === "NCHW";
      const values = nchw ? input : toNhwc(input, channels);
      const shape = nchw ? [1, channels, height, width] : [1, height, width, channels];
      const output = await runFile(values, shape);
      return nchw ? output.values : fromNhwc(output.values, channels);
    },
    runFile,
    close: () => session.release(),
  };
}
