/**
 * Networks of one channel and colour photographs: luma is what they take, the colours are added to their picture by
 * bicubic interpolation, as edgesr/runtimes/glue/colour.py and bicubic.py do.
 */

import type { Network } from "../site";
import { emptyPlanes, type Planes, type Range, type Source } from "./planes";

type Colour = Network["colour"];

const RED = Math.fround(0.299);
const BLUE = Math.fround(0.114);
const BLACK = 16;
const RANGE = Math.fround(219 / 255);
const REACH = 2;
/** Of Keys' cubic convolution, as MATLAB's imresize has it. */
const KEYS_A = -0.5;

/** RGB (3,h,w) as a network of a colour takes it: the image as it is, or its luma (1,h,w). */
export function networkImage(image: Planes, colour: Colour): Planes {
  if (colour === "rgb") return image;
  const plane = image.height * image.width;
  const result = emptyPlanes(1, image.height, image.width);
  for (let i = 0; i < plane; i++) {
    const green = image.values[plane + i];
    const luma = green + RED * (image.values[i] - green) + BLUE * (image.values[2 * plane + i] - green);
    result.values[i] = colour === "luma" ? luma * RANGE + BLACK : luma;
  }
  return result;
}

/** A network's picture (1,H,W), which lies at these LR rows and columns -> RGB (3,H,W) with the image's colours. */
export function colouredPicture(
  picture: Planes, colour: Colour, source: Source, scale: number, rows: Range, columns: Range,
): Planes {
  if (colour === "rgb") return picture;
  const added = upsampledColours(source, scale, rows, columns);
  const result = emptyPlanes(3, picture.height, picture.width);
  const plane = picture.height * picture.width;
  for (let i = 0; i < plane; i++) {
    const [red, blue] = [added.values[i], added.values[plane + i]];
    const luma = colour === "luma" ? (picture.values[i] - BLACK) / RANGE : picture.values[i];
    const green = luma - (RED * red + BLUE * blue);
    result.values[i] = green + red;
    result.values[plane + i] = green;
    result.values[2 * plane + i] = green + blue;
  }
  return result;
}

/** Red less green and blue less green (2,H,W), upsampled; exactly 0 for a grey image. */
function upsampledColours(source: Source, scale: number, rows: Range, columns: Range): Planes {
  const top = Math.max(rows.start - REACH, 0);
  const left = Math.max(columns.start - REACH, 0);
  const around = source.part({ start: top, stop: rows.stop + REACH }, { start: left, stop: columns.stop + REACH });
  const plane = around.height * around.width;
  const differences = emptyPlanes(2, around.height, around.width);
  for (let i = 0; i < plane; i++) {
    differences.values[i] = around.values[i] - around.values[plane + i];
    differences.values[plane + i] = around.values[2 * plane + i] - around.values[plane + i];
  }
  const taps = phaseTaps(scale);
  const within = (range: Range, first: number): Range => ({ start: range.start - first, stop: range.stop - first });
  return bicubicRows(bicubicColumns(differences, taps, within(columns, left)), taps, within(rows, top));
}

/** For every phase of an axis the weights of the pixels from 2 before to 2 after. */
function phaseTaps(scale: number): number[][] {
  return Array.from({ length: scale }, (_, phase) => {
    const offset = (phase + 0.5) / scale - 0.5;
    return [-2, -1, 0, 1, 2].map((place) => Math.fround(keys(Math.abs(place - offset))));
  });
}

function keys(distance: number): number {
  if (distance <= 1) return (KEYS_A + 2) * distance ** 3 - (KEYS_A + 3) * distance ** 2 + 1;
  return distance < 2 ? KEYS_A * (distance ** 3 - 5 * distance ** 2 + 8 * distance - 4) : 0;
}

function bicubicColumns(image: Planes, taps: number[][], part: Range): Planes {
  const result = emptyPlanes(image.channels, image.height, (part.stop - part.start) * taps.length);
  for (let row = 0; row < image.channels * image.height; row++) {
    let to = row * result.width;
    for (let x = part.start; x < part.stop; x++) {
      for (const weights of taps) {
        let sum = 0;
        for (let tap = -REACH; tap <= REACH; tap++) {
          const from = Math.min(Math.max(x + tap, 0), image.width - 1);
          sum += weights[tap + REACH] * image.values[row * image.width + from];
        }
        result.values[to++] = sum;
      }
    }
  }
  return result;
}

function bicubicRows(image: Planes, taps: number[][], part: Range): Planes {
  const { width } = image;
  const result = emptyPlanes(image.channels, (part.stop - part.start) * taps.length, width);
  let to = 0;
  for (let channel = 0; channel < image.channels; channel++) {
    for (let y = part.start; y < part.stop; y++) {
      for (const weights of taps) {
        for (let tap = -REACH; tap <= REACH; tap++) {
          const row = Math.min(Math.max(y + tap, 0), image.height - 1);
          const from = (channel * image.height + row) * width;
          for (let x = 0; x < width; x++) result.values[to + x] += weights[tap + REACH] * image.values[from + x];
        }
        to += width;
      }
    }
  }
  return result;
}
