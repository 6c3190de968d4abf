/**
 * The page of the device "browser" (benchmarks/devices/browser): a worker asks the server that the page came from for
 * questions, and posts answers. A message is the length of its head (4 bytes, little-endian), the head as JSON, and
 * bytes. The page itself tells each second that it lives, also while its worker computes.
 */

import { RUNTIMES, type Backend, type OpenSession } from "./runtimes";
import type { RuntimeName } from "./site";

type Question =
  | { id: number; do: "features" }
  | { id: number; do: "open"; runtime: RuntimeName; backend: Backend; threads: number }
  | { id: number; do: "run"; session: number; shape: number[]; output: boolean };
type Answer = Record<string, unknown>;

const BEAT_MS = 1000;
const query = location.search;
const runtimesUrl = new URL("runtimes/", location.href);
const sessions: OpenSession[] = [];

function packed(head: Answer, payload: ArrayBufferView | null): Blob {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, text.byteLength, true);
  return new Blob([length, text, ...(payload ? [payload as BlobPart] : [])]);
}

function unpacked(message: ArrayBuffer): [Question, ArrayBuffer] {
  const end = 4 + new DataView(message).getUint32(0, true);
  return [JSON.parse(new TextDecoder().decode(message.slice(4, end))), message.slice(end)];
}

function post(path: string, body: Blob | null): Promise<Response> {
  return fetch(`/${path}${query}`, { method: "POST", body: body ?? new Blob([]) });
}

/** (module (func (result v128) i32.const 0 i8x16.splat)): only engines with SIMD take it. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
]);

async function features(): Promise<Answer> {
  const adapter = await navigator.gpu?.requestAdapter();
  const named = adapter && [adapter.info.vendor, adapter.info.architecture, adapter.info.description].filter(Boolean);
  return {
    simd: WebAssembly.validate(SIMD),
    threads: self.crossOriginIsolated && typeof SharedArrayBuffer === "function",
    webgpu: named ? named.join(" ") || "unnamed" : null,
  };
}

async function answered(question: Question, payload: ArrayBuffer): Promise<[Answer, Float32Array | null]> {
  const began = performance.now();
  if (question.do === "features") return [await features(), null];
  if (question.do === "open") {
    const { runtime, backend, threads } = question;
    const request = { model: new Uint8Array(payload), backend, threads, runtimesUrl };
    const session = await RUNTIMES[runtime].open(request);
    sessions.push(session);
    return [{ session: sessions.length - 1, ms: performance.now() - began, ran: session.description }, null];
  }
  const output = await sessions[question.session].runFile(new Float32Array(payload), question.shape);
  const ms = performance.now() - began;
  return [{ ms, shape: output.shape }, question.output ? output.values : null];
}

async function work(): Promise<never> {
  for (;;) {
    const response = await fetch(`/questions${query}`);
    if (response.status !== 200) continue;
    const [question, payload] = unpacked(await response.arrayBuffer());
    self.postMessage(question.id);
    let message: Blob;
    try {
      const [answer, bytes] = await answered(question, payload);
      message = packed({ id: question.id, ...answer }, bytes);
    } catch (error) {
      message = packed({ id: question.id, error: String(error) }, null);
    }
    await post("answers", message);
  }
}

function watch(): void {
  const worker = new Worker(`device.js${query}`);
  let id = 0;
  worker.onmessage = (event: MessageEvent<number>) => {
    id = event.data;
  };
  worker.onerror = (event) => {
    void post("answers", packed({ id, error: event.message || "its worker failed" }, null));
  };
  setInterval(() => void post("beats", null), BEAT_MS);
}

if (typeof document === "undefined") void work();
else watch();
