/** Opens an artifact of a site on either runtime. */

import type { Artifact, Network, RuntimeName } from "../site";
import type { Session } from "../upscaler/run";
import { fromNhwc, toNhwc } from "./layout";
import { liteRt } from "./litert";
import { onnxRuntimeWeb } from "./ort";
import type { Backend, OpenSession, Runtime } from "./runtime";

export type { Backend, OpenRequest, OpenSession, Runtime } from "./runtime";

export const RUNTIMES: Record<RuntimeName, Runtime> = { "onnxruntime-web": onnxRuntimeWeb, litert: liteRt };

export interface OpenOptions {
  backend?: Backend;
  threads?: number;
}

/** An open artifact, which takes and gives (c,h,w) whatever the layout of its file. */
export interface ArtifactSession extends Session {
  readonly description: string;
  close(): Promise<void>;
}

/** Fetch an artifact, check it and open it. `siteUrl` is where site.json lies, with `runtimes/` next to it. */
export async function openSession(
  siteUrl: URL, network: Pick<Network, "colour">, artifact: Artifact, options: OpenOptions = {},
): Promise<ArtifactSession> {
  const session = await RUNTIMES[artifact.runtime].open({
    model: await fetchModel(siteUrl, artifact),
    backend: options.backend ?? "wasm",
    threads: threadsHere(options.threads),
    runtimesUrl: new URL("runtimes/", siteUrl),
  });
  return inPlanes(session, artifact, network.colour === "rgb" ? 3 : 1);
}

function inPlanes(session: OpenSession, artifact: Artifact, channels: number): ArtifactSession {
  const nhwc = artifact.layout === "NHWC";
  return {
    description: session.description,
    close: () => session.close(),
    async run(input, height, width) {
      const shape = nhwc ? [1, height, width, channels] : [1, channels, height, width];
      const { values } = await session.runFile(nhwc ? toNhwc(input, channels) : input, shape);
      return nhwc ? fromNhwc(values, channels) : values;
    },
  };
}

/** How many threads WebAssembly may use: 1 unless the page is cross-origin isolated, at most 8. */
export function threadsHere(wanted = navigator.hardwareConcurrency): number {
  return globalThis.crossOriginIsolated ? Math.max(1, Math.min(wanted, 8)) : 1;
}

async function fetchModel(siteUrl: URL, artifact: Artifact): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(modelUrl(siteUrl, artifact));
  if (!response.ok) throw new Error(`${artifact.file} cannot be fetched: the server answered ${response.status}`);
  const model = new Uint8Array(await response.arrayBuffer());
  if (model.length !== artifact.bytes || !(await hasHash(model, artifact.sha256))) {
    throw new Error(`${artifact.file} is not the file that site.json names: its size or SHA-256 differs`);
  }
  return model;
}

/** Its hash belongs to its address, so that a cache never gives an older file. */
function modelUrl(siteUrl: URL, artifact: Artifact): URL {
  const url = new URL(artifact.file, siteUrl);
  url.searchParams.set("sha256", artifact.sha256.slice(0, 16));
  return url;
}

/** Compares the SHA-256 (hex); a page over plain http has no means to, and its transport could change any file anyway. */
async function hasHash(bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<boolean> {
  if (!globalThis.isSecureContext) return true;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}
