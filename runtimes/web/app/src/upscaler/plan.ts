/** In which tiles an artifact takes an image: by its own size, or by the work and the memory of one tile. */

import type { Artifact, Network, Size } from "../site";
import { gridOf, isUniform, leastWorkGrid, tileSize, type Grid } from "./tiles";

/** An image that an artifact does not take, in words for people. */
export class PlanError extends Error {
  override name = "PlanError";
}

export type PlannedNetwork = Pick<Network, "scale" | "colour" | "minimum_side" | "multiple" | "tiling" | "tile_size">;
export type PlannedArtifact = Pick<
  Artifact, "id" | "graph" | "tile_size" | "bounds" | "halo" | "memory" | "mac_per_hr_pixel"
>;

/** Work of one tile: about a second of one thread, after which progress is told. */
const MAC_PER_TILE = 2e10;
const MOST_TILE_PIXELS = 256 ** 2;
const LEAST_KEPT_SIDE = 32;
/** What a tile may take in the memory of WebAssembly, which never shrinks. */
const TILE_BYTES = 512e6;

const shown = (size: Size): string => `${size[0]}x${size[1]}`;

/** The grid for an image of `size`, already extended; `wanted` tiles only where the artifact takes any size. */
export function planGrid(size: Size, network: PlannedNetwork, artifact: PlannedArtifact, wanted?: Size): Grid {
  return artifact.graph === "full" ? fullGrid(size, artifact) : tileGrid(size, network, artifact, wanted);
}

function fullGrid(size: Size, artifact: PlannedArtifact): Grid {
  const fixed = fixedSize(artifact);
  if ((fixed !== null && shown(fixed) !== shown(size)) || !holds(artifact, size)) {
    throw new PlanError(
      `${artifact.id} does not take an image of ${shown(size)} (height x width): choose an artifact that runs in tiles`,
    );
  }
  return gridOf(size, size, 0);
}

function fixedSize({ tile_size, bounds }: PlannedArtifact): Size | null {
  return bounds !== null && shown(bounds.least) === shown(bounds.most) ? bounds.least : tile_size;
}

function holds({ bounds }: PlannedArtifact, size: Size): boolean {
  return bounds === null || size.every((side, i) => bounds.least[i] <= side && side <= bounds.most[i]);
}

function tileGrid(size: Size, network: PlannedNetwork, artifact: PlannedArtifact, wanted?: Size): Grid {
  const step = network.tiling?.step ?? 1;
  const halo = artifact.halo ?? 0;
  const fixed = fixedSize(artifact);
  if (fixed !== null) return fixedGrid(size, fixed, artifact, halo, step);
  const tile = wanted ?? (artifact.memory === null ? network.tile_size : null);
  if (tile !== null) return checked(gridOf(size, tile, halo, step), artifact);
  const grid = leastWorkGrid(size, halo, mostPixels(network, artifact, halo), step, artifact.bounds?.most);
  if (grid === null) throw new PlanError(`${artifact.id}: no tile of it fits into the memory that a page has`);
  return checked(grid, artifact);
}

function fixedGrid(size: Size, tile: Size, artifact: PlannedArtifact, halo: number, step: number): Grid {
  if (size[0] < tile[0] || size[1] < tile[1]) {
    throw new PlanError(
      `an image of ${shown(size)} (height x width) is smaller than the tiles of ${artifact.id}, whose size is fixed at ` +
        `${shown(tile)}: choose another artifact`,
    );
  }
  const grid = checked(gridOf(size, tile, halo, step), artifact);
  if (isUniform(grid)) return grid;
  throw new PlanError(
    `tiles of ${artifact.id} have one size and begin at multiples of ${step}: they do not end with an image of ` +
      `${shown(size)} (height x width); choose another artifact`,
  );
}

function checked(grid: Grid, artifact: PlannedArtifact): Grid {
  const halo = artifact.halo ?? 0;
  const tile = tileSize(grid);
  const cut = [grid.rows, grid.columns].map((spans) => spans.length > 1);
  if (!holds(artifact, tile) || cut.some((several, i) => several && tile[i] <= 2 * halo)) {
    throw new PlanError(`${artifact.id} does not run in tiles of ${shown(tile)} with a halo of ${halo} pixels`);
  }
  return grid;
}

function mostPixels(network: PlannedNetwork, artifact: PlannedArtifact, halo: number): number {
  const least = (2 * halo + LEAST_KEPT_SIDE) ** 2;
  const byWork = Math.floor(MAC_PER_TILE / (artifact.mac_per_hr_pixel * network.scale ** 2));
  const memory = artifact.memory ?? { fixed_bytes: 0, bytes_per_lr_pixel: 0 };
  const held = memory.bytes_per_lr_pixel + (network.colour === "rgb" ? 12 : 4) * network.scale ** 2;
  const byMemory = Math.floor((TILE_BYTES - memory.fixed_bytes) / held);
  return Math.min(Math.max(byWork, least), MOST_TILE_PIXELS, byMemory);
}
