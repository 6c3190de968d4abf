/**
 * The tiled upscaler of edgesr for pages of your own: no dependencies, no DOM. It gives the same picture as
 * `edgesr.upscale` does: the same tiles, halo, noise level and norm of the residual, without a self-ensemble.
 *
 * It computes where it is called: call it in a worker, so that the page stays responsive.
 */

import type { Network } from "./site";
import { planGrid, type PlannedArtifact, type PlannedNetwork } from "./upscaler/plan";
import { Source, type Pixels } from "./upscaler/planes";
import { toRgba } from "./upscaler/rounding";
import { TiledRun, type Band, type Gives, type RunNetwork, type Session } from "./upscaler/run";
import type { Grid } from "./upscaler/tiles";

export type { Artifact, Network, Site, Size } from "./site";
export { bleedColours } from "./upscaler/bleeding";
export { PlanError, planGrid } from "./upscaler/plan";
export type { Pixels, Planes } from "./upscaler/planes";
export { luma, toRgba } from "./upscaler/rounding";
export type { Band, Session } from "./upscaler/run";
export { gridOf, leastWorkGrid, type Grid, type Span } from "./upscaler/tiles";

/** Where the picture goes, from top to bottom. */
export interface Sink {
  band(band: Band): void | Promise<void>;
  /** The bands come once more from the top: those before were computed for another factor of the projection. */
  restart(): void;
}

export interface Progress {
  /** Tiles done in this pass, of `total`. */
  done: number;
  total: number;
  /** 1, or 2 where the projection turned out to be active. */
  pass: number;
}

export interface Options {
  /** [height, width] of tiles in LR pixels, where the artifact's size is not fixed. Otherwise the least work. */
  tileSize?: readonly [number, number];
  /** Stops between two tiles with the signal's reason. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** The tiles that an image would run in; a `PlanError` where the artifact does not take it. */
export function planOf(pixels: Pixels, network: PlannedNetwork, artifact: PlannedArtifact, options: Options = {}): Grid {
  const { size } = new Source(pixels, network.minimum_side, network.multiple);
  return planGrid(size, network, artifact, options.tileSize);
}

/** Upscale RGBA pixels and hand out float bands of RGB; alpha is left to `toRgba`. Memory is that of a band. */
export async function upscaleBands(
  pixels: Pixels,
  network: PlannedNetwork & RunNetwork,
  artifact: PlannedArtifact,
  session: Session,
  sink: Sink,
  options: Options = {},
): Promise<void> {
  const grid = planOf(pixels, network, artifact, options);
  const run = new TiledRun(pixels, network, whatItGives(network, artifact), session);
  const pass = async (k: number, number: number): Promise<void> => {
    const report = (tiles: { done: number; total: number }): void => {
      options.signal?.throwIfAborted();
      options.onProgress?.({ ...tiles, pass: number });
    };
    for await (const band of run.bands(grid, k, report)) await sink.band(band);
  };
  await pass(run.firstFactor, 1);
  if (!run.projected) return;
  const factor = run.measuredFactor();
  if (factor === run.firstFactor) return;
  sink.restart();
  await pass(factor, 2);
}

/** The same, held as a whole: 8-bit RGBA, `network.scale` times as high and as wide. */
export async function upscale(
  pixels: Pixels,
  network: PlannedNetwork & RunNetwork,
  artifact: PlannedArtifact,
  session: Session,
  options: Options = {},
): Promise<{ width: number; height: number; data: Uint8ClampedArray<ArrayBuffer> }> {
  const width = pixels.width * network.scale;
  const height = pixels.height * network.scale;
  const data = new Uint8ClampedArray(width * height * 4);
  const sink: Sink = {
    band: (band) => data.set(toRgba(band, pixels, network.scale), band.top * width * 4),
    restart: () => undefined,
  };
  await upscaleBands(pixels, network, artifact, session, sink, options);
  return { width, height, data };
}

function whatItGives(network: Pick<Network, "glue">, artifact: PlannedArtifact): Gives {
  if (artifact.graph === "full") return "whole";
  return network.glue.upsample === "none" ? "picture" : "residual";
}
