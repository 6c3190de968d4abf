/** From float bands to the bytes of a file: rounded to the nearest, ties to even, as numpy's rint. */

import { upsampleRegion } from "./bilinear";
import { emptyPlanes, type Pixels } from "./planes";
import type { Band } from "./run";

/** A band as 8-bit RGBA; alpha is that of the image of which it is a part, upsampled bilinearly. */
export function toRgba(band: Band, image: Pixels, scale: number): Uint8ClampedArray<ArrayBuffer> {
  const plane = band.height * band.width;
  const alpha = upsampledAlpha(image, scale, band.top / scale, (band.top + band.height) / scale);
  const data = new Uint8ClampedArray(plane * 4);
  for (let i = 0; i < plane; i++) {
    data[4 * i] = band.values[i];
    data[4 * i + 1] = band.values[plane + i];
    data[4 * i + 2] = band.values[2 * plane + i];
    data[4 * i + 3] = alpha[i];
  }
  return data;
}

function upsampledAlpha(image: Pixels, scale: number, first: number, last: number): Float32Array {
  const top = Math.max(first - 1, 0);
  const around = emptyPlanes(1, Math.min(last + 1, image.height) - top, image.width);
  for (let i = 0; i < around.values.length; i++) around.values[i] = image.data[(top * image.width + i) * 4 + 3];
  return upsampleRegion(around, scale, { start: first - top, stop: last - top }, { start: 0, stop: image.width }).values;
}

/** BT.601 luma of 8-bit colours, with the fixed-point weights of Pillow's convert("L"). */
export function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}
