/** One of the two runtimes that a browser has, and what opening a file with it takes and gives. */

/** "wasm": WebAssembly with SIMD on the processor. */
export type Backend = "wasm" | "webgpu";

export interface OpenRequest {
  model: Uint8Array<ArrayBuffer>;
  backend: Backend;
  /** What the page may use; more than 1 only where it is cross-origin isolated. */
  threads: number;
  /** Where the build put the runtimes' files: `dist/runtimes/`. */
  runtimesUrl: URL;
}

export interface FileOutput {
  shape: readonly number[];
  values: Float32Array;
}

/** An open file, in its own layout. */
export interface OpenSession {
  /** What runs it, for people: runtime, version, back end, threads. */
  readonly description: string;
  /** Its first output for its only input, both float32. */
  runFile(values: Float32Array, shape: readonly number[]): Promise<FileOutput>;
  close(): Promise<void>;
}

export interface Runtime {
  /** For people. */
  readonly title: string;
  open(request: OpenRequest): Promise<OpenSession>;
}

/** "WebGPU", or "WebAssembly, 2 threads". */
export function described(backend: Backend, threads: number): string {
  return backend === "webgpu" ? "WebGPU" : `WebAssembly, ${threads} thread${threads > 1 ? "s" : ""}`;
}
