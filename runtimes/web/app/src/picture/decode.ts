/** A file that a visitor gave -> the pixels that the browser decodes from it, and what its output has to look like. */

import { bleedColours } from "../upscaler/bleeding";
import type { Pixels } from "../upscaler/planes";

/** A picture that cannot be used, in words for people. */
export class PictureError extends Error {
  override name = "PictureError";
}

export interface Picture {
  pixels: Pixels;
  grey: boolean;
  alpha: boolean;
}

/** LR pixels: four bytes of each are held, twice while they are read. */
const MOST_PIXELS = 100e6;

/**
 * EXIF orientation is applied, and colours of a profile are converted to sRGB, by the browser. Colours below little or
 * no alpha are continued from visible ones. A picture of equal channels counts as grey.
 */
export async function decode(file: Blob): Promise<Picture> {
  const bitmap = await bitmapOf(file);
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    bitmap.close();
    throw new PictureError(`${width}x${height} pixels are more than a page can hold; use "edgesr upscale" for it`);
  }
  const read = pixelsOf(bitmap);
  bitmap.close();
  return { pixels: bleedColours(read), ...lookOf(read) };
}

async function bitmapOf(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "none" });
  } catch {
    throw new PictureError("This is no picture that your browser can read: give a PNG, JPEG, WebP, AVIF, GIF or BMP.");
  }
}

/** A canvas holds colours multiplied by alpha: those below alpha 0 are lost, and few levels are left below little. */
function pixelsOf(bitmap: ImageBitmap): Pixels {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new PictureError(`Your browser has no memory for ${width}x${height} pixels.`);
  context.drawImage(bitmap, 0, 0);
  try {
    return { width, height, data: context.getImageData(0, 0, width, height).data };
  } catch {
    throw new PictureError(`Your browser has no memory for ${width}x${height} pixels.`);
  }
}

function lookOf({ data }: Pixels): { grey: boolean; alpha: boolean } {
  let grey = true;
  let alpha = false;
  for (let i = 0; i < data.length; i += 4) {
    grey &&= data[i] === data[i + 1] && data[i] === data[i + 2];
    alpha ||= data[i + 3] !== 255;
  }
  return { grey, alpha };
}
