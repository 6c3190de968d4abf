/**
 * Cut an image into overlapping tiles whose kept parts cover it once, as edgesr/runtimes/upscaling/tiles.py does.
 * All lengths are in LR pixels.
 *
 * A tile graph's output is wrong within the halo of a tile's edge, unless that edge is the image's own: every edge
 * inside the image is kept a halo away from what is used, and the outermost tiles end exactly at the image's border.
 */

import type { Size } from "../site";

/** One axis of a tile: input [start, stop), of which [keepStart, keepStop) is used. */
export interface Span {
  start: number;
  stop: number;
  keepStart: number;
  keepStop: number;
}

/** Every row span with every column span. The last one of an axis may be longer by less than a step. */
export interface Grid {
  rows: Span[];
  columns: Span[];
}

export const tileSize = (grid: Grid): Size => [length(grid.rows.at(-1)), length(grid.columns.at(-1))];

const length = (span: Span | undefined): number => (span === undefined ? 0 : span.stop - span.start);

/** Whether all its tiles have one size. */
export const isUniform = (grid: Grid): boolean =>
  [grid.rows, grid.columns].every((spans) => new Set(spans.map(length)).size === 1);

/** Tiles of `tile`, or of the image's own side where that is smaller. */
export function gridOf(size: Size, tile: Size, halo: number, step = 1): Grid {
  return { rows: cut(size[0], tile[0], halo, step), columns: cut(size[1], tile[1], halo, step) };
}

/** Spans that cover [0, side) and begin at multiples of `step`; the last one ends at `side`. */
export function cut(side: number, tile: number, halo: number, step = 1): Span[] {
  const even = Math.floor(side / step) * step;
  if (even <= tile) return [{ start: 0, stop: side, keepStart: 0, keepStop: side }];
  const count = tilesAlong(even, tile, halo);
  const spans: Span[] = [];
  for (let place = 0; place < count; place++) {
    const start = Math.min(place * (tile - 2 * halo), even - tile);
    const keepStart = spans.at(-1)?.keepStop ?? 0;
    const last = place === count - 1;
    spans.push({ start, stop: last ? side : start + tile, keepStart, keepStop: last ? side : start + tile - halo });
  }
  return spans;
}

/** How many tiles cover an axis; `tile` must be more than two halos where it is less than `side`. */
export function tilesAlong(side: number, tile: number, halo: number): number {
  return side <= tile ? 1 : Math.ceil((side - 2 * halo) / (tile - 2 * halo));
}

/**
 * The grid of tiles of at most `maxPixels` that runs the fewest pixels through the network, null where no tile of so
 * few pixels has anything inside its halo. No tile has longer sides than `largest`.
 */
export function leastWorkGrid(size: Size, halo: number, maxPixels: number, step = 1, largest?: Size): Grid | null {
  const cells = (side: number, longest: number | undefined): number =>
    longest === undefined ? Math.max(Math.floor(side / step), 1) : Math.floor((longest - (side % step)) / step);
  const all: Size = [cells(size[0], undefined), cells(size[1], undefined)];
  const most: Size = largest === undefined ? all : [cells(size[0], largest[0]), cells(size[1], largest[1])];
  const tile = leastWorkTile(all, halo / step, Math.floor(maxPixels / step ** 2), most);
  return tile === null ? null : gridOf(size, [tile[0] * step, tile[1] * step], halo, step);
}

/** All lengths in steps. Of equal work the fewer tiles, then the lower tile, as Python's tuples compare. */
function leastWorkTile(size: Size, halo: number, maxPixels: number, largest: Size): Size | null {
  let best: { pixels: number; tiles: number; tile: Size } | null = null;
  let before = 0;
  for (let rows = 1; rows <= size[0]; rows++) {
    const height = evenSide(size[0], rows, halo);
    if (height === before) continue;
    before = height;
    const longest = Math.min(Math.floor(maxPixels / height), largest[1]);
    const columns = height <= largest[0] ? fewestTiles(size[1], longest, halo) : null;
    if (columns !== null) {
      const width = evenSide(size[1], columns, halo);
      const tiles = tilesAlong(size[0], height, halo) * tilesAlong(size[1], width, halo);
      const pixels = tiles * height * width;
      const order = best === null ? -1 : pixels - best.pixels || tiles - best.tiles || height - best.tile[0];
      if (order < 0) best = { pixels, tiles, tile: [height, width] };
    }
    if (height <= 2 * halo + 1) break;
  }
  return best === null ? null : best.tile;
}

/** Least side with which `count` tiles cover an axis. */
function evenSide(side: number, count: number, halo: number): number {
  return count === 1 ? side : Math.ceil((side + 2 * halo * (count - 1)) / count);
}

function fewestTiles(side: number, longest: number, halo: number): number | null {
  if (longest >= side) return 1;
  return longest > 2 * halo ? tilesAlong(side, longest, halo) : null;
}
