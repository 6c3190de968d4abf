/** ONNX files in onnxruntime-web. Its own modules are loaded as they are, so that a page fetches one variant alone. */

import type * as Ort from "onnxruntime-web/wasm";
import { described, type OpenRequest, type OpenSession, type Runtime } from "./runtime";

/** The module of each back end; each loads the .wasm file that it needs from the same folder. */
const MODULES = { wasm: "ort.wasm.min.mjs", webgpu: "ort.webgpu.min.mjs" } as const;

/** Its warnings are of no use to a visitor. */
const ERRORS = 3;

export const onnxRuntimeWeb: Runtime = { title: "ONNX Runtime Web", open };

async function open({ model, backend, threads, runtimesUrl }: OpenRequest): Promise<OpenSession> {
  const folder = new URL("ort/", runtimesUrl);
  const ort = (await import(new URL(MODULES[backend], folder).href)) as typeof Ort;
  ort.env.wasm.wasmPaths = folder.href;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  const options = { executionProviders: [backend], logSeverityLevel: ERRORS } as const;
  const session = await ort.InferenceSession.create(model, options);
  return {
    description: `${onnxRuntimeWeb.title} ${ort.env.versions.web ?? ""}, ${described(backend, threads)}`,
    async runFile(values, shape) {
      const given = new ort.Tensor("float32", values, shape);
      const results = await session.run({ [session.inputNames[0]]: given });
      const output = results[session.outputNames[0]];
      given.dispose();
      return { shape: output.dims, values: (await output.getData(true)) as Float32Array };
    },
    close: () => session.release(),
  };
}
