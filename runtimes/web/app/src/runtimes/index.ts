/** Opens an artifact of a site on either runtime. */

import type { Artifact, Network, RuntimeName } from "../site";
import { liteRt } from "./litert";
import { onnxRuntimeWeb } from "./ort";
import type { Backend, OpenSession, Runtime } from "./runtime";

export type { Backend, OpenSession, Runtime } from "./runtime";

export const RUNTIMES: Record<RuntimeName, Runtime> = { "onnxruntime-web": onnxRuntimeWeb, litert: liteRt };

export interface OpenOptions {
  backend?: Backend;
  threads?: number;
}

/**
 * Fetch an artifact, check it and open it. `siteUrl` is where site.json lies, with `runtimes/` next to it. A LiteRT.js
 * with threads and one without cannot both be open in one page or worker.
 */
export async function openSession(
  siteUrl: URL, network: Pick<Network, "colour">, artifact: Artifact, options: OpenOptions = {},
): Promise<OpenSession> {
  const model = await fetchModel(siteUrl, artifact);
  return RUNTIMES[artifact.runtime].open({
    artifact,
    channels: network.colour === "rgb" ? 3 : 1,
    model,
    backend: options.backend ?? "wasm",
    threads: threadsHere(options.threads),
    runtimesUrl: new URL("runtimes/", siteUrl),
  });
}

/** How many threads WebAssembly may use: 1 unless the page is cross-origin isolated, at most 8. */
export function threadsHere(wanted = navigator.hardwareConcurrency): number {
  return globalThis.crossOriginIsolated ? Math.max(1, Math.min(wanted, 8)) : 1;
}

/** The address of an artifact's file: its hash belongs to it, so that a cache never gives an older file. */
export function modelUrl(siteUrl: URL, artifact: Artifact): URL {
  const url = new URL(artifact.file, siteUrl);
  url.searchParams.set("sha256", artifact.sha256.slice(0, 16));
  return url;
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

/** Compares the SHA-256 (hex); a page over plain http has no means to, and its transport could change any file anyway. */
async function hasHash(bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<boolean> {
  if (!globalThis.isSecureContext) return true;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}
