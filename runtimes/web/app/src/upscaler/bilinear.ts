/**
 * Bilinear upsampling by a whole factor: half-pixel centres, edges repeated, no antialias; in the same float32 steps as
 * edgesr/runtimes/glue/bilinear.py.
 */

import { emptyPlanes, type Planes, type Range, type Source } from "./planes";

const { fround } = Math;

/** The part of the upsampled image (c,h,w) that belongs to these LR rows and columns, as of the whole. */
export function upsampleRegion(image: Planes, scale: number, rows: Range, columns: Range): Planes {
  const tall = alongColumns(image, scale, columns);
  return alongRows(tall, scale, rows);
}

/** The same of an image of which only the rows and columns around the part are read. */
export function upsampledPart(source: Source, scale: number, rows: Range, columns: Range): Planes {
  const top = Math.max(rows.start - 1, 0);
  const left = Math.max(columns.start - 1, 0);
  const around = source.part({ start: top, stop: rows.stop + 1 }, { start: left, stop: columns.stop + 1 });
  const within = (range: Range, first: number): Range => ({ start: range.start - first, stop: range.stop - first });
  return upsampleRegion(around, scale, within(rows, top), within(columns, left));
}

interface Phase {
  own: number;
  other: number;
  /** Where the neighbour is: -1 before, 1 behind. */
  side: number;
}

function phasesOf(scale: number): Phase[] {
  return Array.from({ length: scale }, (_, phase) => {
    const distance = Math.abs((phase + 0.5) / scale - 0.5);
    return { own: fround(1 - distance), other: fround(distance), side: 2 * phase < scale ? -1 : 1 };
  });
}

function alongColumns(image: Planes, scale: number, columns: Range): Planes {
  const count = columns.stop - columns.start;
  const result = emptyPlanes(image.channels, image.height, count * scale);
  const last = image.width - 1;
  phasesOf(scale).forEach(({ own, other, side }, phase) => {
    for (let row = 0; row < image.channels * image.height; row++) {
      const from = row * image.width;
      let to = row * count * scale + phase;
      for (let x = columns.start; x < columns.stop; x++, to += scale) {
        const neighbour = Math.min(Math.max(x + side, 0), last);
        result.values[to] = fround(image.values[from + x] * own) + fround(image.values[from + neighbour] * other);
      }
    }
  });
  return result;
}

function alongRows(image: Planes, scale: number, rows: Range): Planes {
  const { channels, height, width } = image;
  const count = rows.stop - rows.start;
  const result = emptyPlanes(channels, count * scale, width);
  const phases = phasesOf(scale);
  for (let channel = 0; channel < channels; channel++) {
    for (let y = rows.start; y < rows.stop; y++) {
      phases.forEach(({ own, other, side }, phase) => {
        const from = (channel * height + y) * width;
        const next = (channel * height + Math.min(Math.max(y + side, 0), height - 1)) * width;
        const to = ((channel * count + y - rows.start) * scale + phase) * width;
        for (let x = 0; x < width; x++) {
          result.values[to + x] = fround(image.values[from + x] * own) + fround(image.values[next + x] * other);
        }
      });
    }
  }
  return result;
}
