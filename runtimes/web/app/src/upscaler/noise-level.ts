/**
 * Noise level of an upsampled image: median absolute deviation of its finest diagonal db7 wavelet coefficients, in bands
 * of rows and in the same float32 steps as edgesr/runtimes/glue/noise_level.py. Donoho and Johnstone, "Ideal spatial
 * adaptation by wavelet shrinkage" (1994); used by SRResCGAN (arXiv 2005.00953).
 */

import type { Size } from "../site";
import { emptyPlanes, reflected, type Planes } from "./planes";

const DB7_HIGH_PASS = [
  -0.07785205408506236, 0.39653931948230575, -0.7291320908465551, 0.4697822874053586, 0.14390600392910627,
  -0.22403618499416572, -0.07130921926705004, 0.0806126091510659, 0.03802993693503463, -0.01657454163101562,
  -0.012550998556013784, 0.00042957797300470274, 0.0018016407039998328, 0.0003537138000010399,
];
const TAPS = DB7_HIGH_PASS.slice(0, -1).map((_, i) => Math.fround(exactSum(DB7_HIGH_PASS.slice(0, i + 1))));
const MAD_TO_SIGMA = Math.fround(0.6745);
const PAD = DB7_HIGH_PASS.length / 2;
const HALF = 16;
const BAND_VALUES = 2 ** 18;
const { fround } = Math;

/** Rows [first, last) of the upsampled image, (3,n,W). */
export type Rows = (first: number, last: number) => Planes;

/**
 * Its standard deviation, on the scale of the image, whose rows are asked for in bands, twice. The exact lower median by
 * radix: non-negative floats are ordered as their bits are, so a first pass counts upper halves of the bits, and a
 * second one the lower halves of those that share the median's upper half.
 */
export function streamedNoiseLevel(rows: Rows, size: Size): number {
  const middle = Math.floor(((Math.floor(size[0] / 2) + 1) * (Math.floor(size[1] / 2) + 1) - 1) / 2);
  const upper = counts();
  eachBand(rows, size, (channel, bits) => {
    for (const value of bits) upper[channel][value >>> HALF]++;
  });
  const found = upper.map((one) => placeOf(one, middle));
  const lower = counts();
  eachBand(rows, size, (channel, bits) => {
    for (const value of bits) if (value >>> HALF === found[channel].place) lower[channel][value & 0xffff]++;
  });
  const medians = lower.map((one, channel) => {
    const { place } = placeOf(one, middle - found[channel].before);
    return new Float32Array(new Uint32Array([((found[channel].place << HALF) | place) >>> 0]).buffer)[0];
  });
  return fround(medians.reduce((sum, median) => fround(sum + fround(median / MAD_TO_SIGMA)), 0) / 3);
}

/** The sum of a few values, in float64, by twice as many digits (Neumaier), as `math.fsum` rounds it. */
function exactSum(values: number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

const counts = (): Uint32Array[] => [0, 1, 2].map(() => new Uint32Array(1 << HALF));

/** Where a rank falls in counts, and how many come before that place. */
function placeOf(counted: Uint32Array, rank: number): { place: number; before: number } {
  let before = 0;
  let place = 0;
  while (before + counted[place] <= rank) before += counted[place++];
  return { place, before };
}

/** The bits of the absolute detail coefficients of each channel, band by band. */
function eachBand(rows: Rows, [height, width]: Size, take: (channel: number, bits: Uint32Array) => void): void {
  const count = Math.floor(height / 2) + 1;
  const step = Math.max(1, Math.floor(BAND_VALUES / width));
  for (let first = 0; first < count; first += step) {
    const last = Math.min(first + step, count);
    const places = Array.from(
      { length: 2 * (last - first) + DB7_HIGH_PASS.length - 2 },
      (_, i) => reflected(2 * first - PAD + i, height),
    );
    const top = Math.min(...places);
    const band = rows(top, Math.max(...places) + 1);
    const detail = columnsDetail(rowsDetail(band, places.map((place) => place - top)));
    const plane = detail.height * detail.width;
    for (let channel = 0; channel < 3; channel++) {
      take(channel, new Uint32Array(detail.values.buffer, channel * plane * 4, plane));
    }
  }
}

/** High-pass with stride 2 along rows that `places` names, padded: taps on first differences, so that flat stays 0. */
function rowsDetail(band: Planes, places: number[]): Planes {
  const count = Math.floor((places.length - 1 - TAPS.length) / 2) + 1;
  const { width } = band;
  const result = emptyPlanes(band.channels, count, width);
  for (let channel = 0; channel < band.channels; channel++) {
    const rowAt = (i: number): number => (channel * band.height + places[i]) * width;
    for (let y = 0; y < count; y++) {
      const to = (channel * count + y) * width;
      TAPS.forEach((tap, i) => {
        const here = rowAt(2 * y + i);
        const next = rowAt(2 * y + i + 1);
        for (let x = 0; x < width; x++) {
          result.values[to + x] += fround(tap * fround(band.values[next + x] - band.values[here + x]));
        }
      });
    }
  }
  return result;
}

/** The same along columns, which are padded by reflection; absolute values. */
function columnsDetail(rows: Planes): Planes {
  const { width } = rows;
  const places = Array.from({ length: width + 2 * PAD }, (_, i) => reflected(i - PAD, width));
  const count = Math.floor((places.length - 1 - TAPS.length) / 2) + 1;
  const result = emptyPlanes(rows.channels, rows.height, count);
  const differences = new Float32Array(places.length - 1);
  for (let row = 0; row < rows.channels * rows.height; row++) {
    const from = row * width;
    for (let i = 0; i < differences.length; i++) {
      differences[i] = rows.values[from + places[i + 1]] - rows.values[from + places[i]];
    }
    for (let x = 0; x < count; x++) {
      let sum = 0;
      for (let i = 0; i < TAPS.length; i++) sum = fround(sum + fround(TAPS[i] * differences[2 * x + i]));
      result.values[row * count + x] = Math.abs(sum);
    }
  }
  return result;
}
