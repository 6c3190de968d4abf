/** One of the two runtimes that a browser has, and what opening a file with it takes and gives. */

import type { Artifact } from "../site";
import type { Session } from "../upscaler/run";

/** "wasm": WebAssembly with SIMD on the processor. */
export type Backend = "wasm" | "webgpu";

export interface OpenRequest {
  artifact: Artifact;
  /** 3, or 1 for a network of luma or grey. */
  channels: number;
  model: Uint8Array<ArrayBuffer>;
  backend: Backend;
  /** What the page may use; more than 1 only where it is cross-origin isolated. */
  threads: number;
  /** Where the build put the runtimes' files: `dist/runtimes/`. */
  runtimesUrl: URL;
}

/** What a file gave: values in its own layout. */
export interface FileOutput {
  values: Float32Array;
  shape: readonly number[];
}

export interface OpenSession extends Session {
  /** As `run`, but of values in the layout of the file, with the batch of 1 in their shape. */
  runFile(values: Float32Array, shape: readonly number[]): Promise<FileOutput>;
  /** What runs it, for people: runtime, version, back end, threads. */
  readonly description: string;
  close(): Promise<void>;
}

export interface Runtime {
  /** For people. */
  readonly title: string;
  open(request: OpenRequest): Promise<OpenSession>;
}
