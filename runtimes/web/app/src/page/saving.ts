/** The upscaled picture as a file of the visitor. */

import type { Result } from "../tasks/messages";

/** Longest side of a WebP file: its format has 14 bits for it. */
export const LARGEST_WEBP_SIDE = 16383;
const WEBP_QUALITY = 0.95;

export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Encoded by the browser's canvas; an Error in words for people where it cannot. */
export async function webpOf({ png, width, height }: Result): Promise<Blob> {
  if (Math.max(width, height) > LARGEST_WEBP_SIDE) {
    throw new Error(`WebP has at most ${LARGEST_WEBP_SIDE} pixels a side, and this picture ${width} × ${height}: save it as PNG.`);
  }
  const bitmap = await createImageBitmap(png);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("bitmaprenderer");
  context?.transferFromImageBitmap(bitmap);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: WEBP_QUALITY });
  if (context === null || blob.type !== "image/webp") throw new Error("Your browser writes no WebP of this picture: save it as PNG.");
  return blob;
}

/** "cat.jpg" -> "cat_x4.png" */
export function outputName(name: string, scale: number, suffix: string): string {
  const stem = name.replace(/\.[^.]*$/, "") || "picture";
  return `${stem}_x${scale}.${suffix}`;
}
