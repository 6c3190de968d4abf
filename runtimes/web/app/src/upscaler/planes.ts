/** Float pictures (c,h,w) in one array, and the pixels that they are read from. */

import type { Size } from "../site";

/** float32 (channels, height, width), channel by channel, row by row. */
export interface Planes {
  channels: number;
  height: number;
  width: number;
  values: Float32Array;
}

/** 8-bit RGBA, row by row, alpha not multiplied in: what `ImageData` holds. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8ClampedArray | Uint8Array;
}

/** A range of rows or columns, [start, stop). */
export interface Range {
  start: number;
  stop: number;
}

export function emptyPlanes(channels: number, height: number, width: number): Planes {
  return { channels, height, width, values: new Float32Array(channels * height * width) };
}

/**
 * The image as the network's sides have it: the last row and column repeated up to the least side, and reflected at
 * its end up to a multiple (as `extended` of edgesr/runtimes/upscaling/strips.py).
 */
export class Source {
  readonly size: Size;
  private readonly rowOf: Int32Array;
  private readonly columnOf: Int32Array;

  constructor(private readonly pixels: Pixels, leastSide: number, multiple: number) {
    this.rowOf = extendedAxis(pixels.height, leastSide, multiple);
    this.columnOf = extendedAxis(pixels.width, leastSide, multiple);
    this.size = [this.rowOf.length, this.columnOf.length];
  }

  /** RGB (3,h,w) of a part, which is cut at the image's borders. */
  part(rows: Range, columns: Range): Planes {
    const top = Math.max(rows.start, 0);
    const left = Math.max(columns.start, 0);
    const height = Math.min(rows.stop, this.size[0]) - top;
    const width = Math.min(columns.stop, this.size[1]) - left;
    const result = emptyPlanes(3, height, width);
    const plane = height * width;
    for (let y = 0, place = 0; y < height; y++) {
      const row = this.rowOf[top + y] * this.pixels.width;
      for (let x = 0; x < width; x++, place++) {
        const from = (row + this.columnOf[left + x]) * 4;
        result.values[place] = this.pixels.data[from];
        result.values[place + plane] = this.pixels.data[from + 1];
        result.values[place + 2 * plane] = this.pixels.data[from + 2];
      }
    }
    return result;
  }
}

/** For every row of the extended image the row of the image itself. */
function extendedAxis(side: number, least: number, multiple: number): Int32Array {
  const enough = Math.max(side, least);
  const all = Math.ceil(enough / multiple) * multiple;
  return Int32Array.from({ length: all }, (_, place) => Math.min(reflected(place, enough), side - 1));
}

/** A place on an axis of `side` that is reflected at both ends as often as it takes, its ends not repeated. */
export function reflected(place: number, side: number): number {
  if (side === 1) return 0;
  const period = 2 * (side - 1);
  const within = ((place % period) + period) % period;
  return within < side ? within : period - within;
}
