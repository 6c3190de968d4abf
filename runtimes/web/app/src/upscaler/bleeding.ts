/**
 * Bleed the colours of visible pixels into transparent ones, whose own colours nobody saw, as
 * edgesr/runtimes/images/colour_bleeding.py does: without it a dark fringe appears around what is visible. Pull-push of
 * Gortler, Grzeszczuk, Szeliski and Cohen, The Lumigraph, SIGGRAPH 1996, section 3.4.
 */

import { upsampleRegion } from "./bilinear";
import { emptyPlanes, type Pixels, type Planes } from "./planes";

/** From an eighth of full alpha on, or the picture's highest alpha, a pixel keeps its colour. */
const RELIABLE = 255 / 8;

/** The same pixels with colours continued into those of little or no alpha; themselves where there are none. */
export function bleedColours(pixels: Pixels): Pixels {
  let highest = 0;
  let lowest = 255;
  for (let i = 3; i < pixels.data.length; i += 4) {
    highest = Math.max(highest, pixels.data[i]);
    lowest = Math.min(lowest, pixels.data[i]);
  }
  const least = Math.min(RELIABLE, highest);
  if (highest === 0 || lowest >= least) return pixels;
  const filled = fill(weighted(pixels, least));
  const data = new Uint8ClampedArray(pixels.data);
  const plane = pixels.width * pixels.height;
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) data[4 * i + channel] = filled.values[channel * plane + i];
  }
  return { ...pixels, data };
}

/** (4,h,w): the three colours times the pixel's weight, and the weight in [0,1]. */
function weighted(pixels: Pixels, least: number): Planes {
  const result = emptyPlanes(4, pixels.height, pixels.width);
  const plane = pixels.height * pixels.width;
  for (let i = 0; i < plane; i++) {
    const weight = Math.min(pixels.data[4 * i + 3] / least, 1) ** 2;
    for (let channel = 0; channel < 3; channel++) {
      result.values[channel * plane + i] = pixels.data[4 * i + channel] * weight;
    }
    result.values[3 * plane + i] = weight;
  }
  return result;
}

/** Weighted planes with a weight above 0 somewhere -> colours (3,h,w) of every pixel. */
function fill(planes: Planes): Planes {
  const { height, width } = planes;
  const plane = height * width;
  if (plane === 1) {
    const colours = planes.values.slice(0, 3).map((value) => value / planes.values[3]);
    return { channels: 3, height, width, values: colours };
  }
  const coarse = fill(halved(planes));
  const whole = [{ start: 0, stop: coarse.height }, { start: 0, stop: coarse.width }] as const;
  const around = upsampleRegion(coarse, 2, ...whole);
  const result = emptyPlanes(3, height, width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      for (let channel = 0; channel < 3; channel++) {
        const from = around.values[(channel * around.height + y) * around.width + x];
        result.values[channel * plane + i] = from * (1 - planes.values[3 * plane + i]) + planes.values[channel * plane + i];
      }
    }
  }
  return result;
}

/** The next coarser level: sums over 2x2 pixels, made smaller where a weight passes 1. */
function halved(planes: Planes): Planes {
  const result = emptyPlanes(4, Math.ceil(planes.height / 2), Math.ceil(planes.width / 2));
  const plane = result.height * result.width;
  for (let channel = 0; channel < 4; channel++) {
    for (let y = 0; y < planes.height; y++) {
      const from = (channel * planes.height + y) * planes.width;
      const to = channel * plane + (y >> 1) * result.width;
      for (let x = 0; x < planes.width; x++) result.values[to + (x >> 1)] += planes.values[from + x];
    }
  }
  for (let i = 0; i < plane; i++) {
    const sum = Math.max(result.values[3 * plane + i], 1);
    for (let channel = 0; channel < 4; channel++) result.values[channel * plane + i] /= sum;
  }
  return result;
}
