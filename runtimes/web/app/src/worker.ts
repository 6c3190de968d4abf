/** The worker: opens a network, decodes a file, upscales it and writes a PNG. The page ends it to cancel. */

import { openSession, type ArtifactSession } from "./runtimes";
import { PlanError, toRgba, upscaleBands, type Sink } from "./upscaler";
import { decode } from "./picture/decode";
import { PngWriter } from "./picture/png";
import type { Answer, Order, Result, Setting } from "./tasks/messages";
import { measureSpeed } from "./tasks/measure";

declare const self: DedicatedWorkerGlobalScope;

let opened: { key: string; session: ArtifactSession } | null = null;
let queue: Promise<void> = Promise.resolve();

const answer = (message: Answer): void => self.postMessage(message);

self.addEventListener("message", ({ data }: MessageEvent<Order>) => {
  queue = queue.then(() => obey(data)).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    answer({ kind: "failed", message, refused: error instanceof PlanError });
  });
});

async function obey(order: Order): Promise<void> {
  const session = await sessionOf(order.setting);
  if (order.kind === "open") answer({ kind: "opened", description: session.description });
  if (order.kind === "upscale") answer({ kind: "done", result: await upscale(order.file, order.setting, session) });
  if (order.kind === "measure") {
    const { network, artifact } = order.setting;
    answer({ kind: "measured", megapixelsPerSecond: await measureSpeed(network, artifact, session) });
  }
}

async function sessionOf(setting: Setting): Promise<ArtifactSession> {
  const key = [setting.artifact.id, setting.backend, setting.threads].join();
  if (opened?.key === key) return opened.session;
  await opened?.session.close();
  opened = null;
  const { network, artifact, backend, threads } = setting;
  const session = await openSession(new URL(setting.siteUrl), network, artifact, { backend, threads });
  opened = { key, session };
  return session;
}

async function upscale(file: Blob, { network, artifact }: Setting, session: ArtifactSession): Promise<Result> {
  const { pixels, grey, alpha } = await decode(file);
  answer({ kind: "decoded", width: pixels.width, height: pixels.height });
  const width = pixels.width * network.scale;
  const height = pixels.height * network.scale;
  const started = performance.now();
  let png = new PngWriter({ width, height, grey, alpha });
  const sink: Sink = {
    band: (band) => png.write(toRgba(band, pixels, network.scale)),
    restart: () => {
      void png.abort();
      png = new PngWriter({ width, height, grey, alpha });
    },
  };
  await upscaleBands(pixels, network, artifact, session, sink, {
    onProgress: (tiles) => answer({ kind: "progress", ...tiles, seconds: (performance.now() - started) / 1000 }),
  });
  const blob = await png.finish();
  const seconds = (performance.now() - started) / 1000;
  const megapixelsPerSecond = (width * height) / 1e6 / seconds;
  return { png: blob, width, height, seconds, megapixelsPerSecond, description: session.description };
}
