/** How fast an open network is here: one tile of the size that photographs are cut into, after a first call. */

import type { Artifact, Network } from "../site";
import { planGrid } from "../upscaler/plan";
import type { Session } from "../upscaler/run";
import { tileSize } from "../upscaler/tiles";

/** [height, width] of a photograph of a common size. */
const PHOTOGRAPH = [945, 1445] as const;

/** Megapixels of picture a second, overlaps of tiles counted as they cost. */
export async function measureSpeed(network: Network, artifact: Artifact, session: Session): Promise<number> {
  const size = artifact.graph === "full" && artifact.tile_size !== null ? artifact.tile_size : PHOTOGRAPH;
  const multiple = ([height, width]: readonly [number, number]): [number, number] => [
    Math.ceil(height / network.multiple) * network.multiple,
    Math.ceil(width / network.multiple) * network.multiple,
  ];
  const grid = planGrid(multiple(size), network, artifact);
  const [height, width] = tileSize(grid);
  const tile = new Float32Array((network.colour === "rgb" ? 3 : 1) * height * width).fill(128);
  await session.run(tile, height, width);
  const started = performance.now();
  await session.run(tile, height, width);
  const seconds = ((performance.now() - started) / 1000) * grid.rows.length * grid.columns.length;
  return (size[0] * size[1] * network.scale ** 2) / 1e6 / seconds;
}
