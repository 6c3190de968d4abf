/** A PNG written row by row, of 8 bits a channel: no more of it is held than its compressed bytes. */

import { luma } from "../upscaler/rounding";

export interface PngLook {
  width: number;
  height: number;
  /** Luma in place of three colours. */
  grey: boolean;
  alpha: boolean;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const PAETH = 4;
/** Blobs of this many bytes are handed to the browser, which may move them to its disk. */
const PART_BYTES = 4 << 20;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

export class PngWriter {
  private readonly samples: number;
  private readonly writer: WritableStreamDefaultWriter<BufferSource>;
  private readonly compressed: Promise<Blob>;
  private before: Uint8Array<ArrayBuffer>;

  constructor(private readonly look: PngLook) {
    this.samples = (look.grey ? 1 : 3) + (look.alpha ? 1 : 0);
    this.before = new Uint8Array(look.width * this.samples);
    const stream = new CompressionStream("deflate");
    this.writer = stream.writable.getWriter();
    this.compressed = dataChunks(stream.readable);
    this.compressed.catch(() => undefined);
  }

  /** The next rows, as RGBA. */
  async write(rgba: Uint8ClampedArray): Promise<void> {
    const row = this.look.width * this.samples;
    const count = rgba.length / (4 * this.look.width);
    const filtered = new Uint8Array(count * (row + 1));
    for (let y = 0; y < count; y++) {
      const here = this.packed(rgba, y);
      filtered[y * (row + 1)] = PAETH;
      paeth(here, this.before, this.samples, filtered, y * (row + 1) + 1);
      this.before = here;
    }
    await this.writer.write(filtered);
  }

  async finish(): Promise<Blob> {
    await this.writer.close();
    const type = "image/png";
    return new Blob([SIGNATURE, chunk("IHDR", this.header()), chunk("sRGB", Uint8Array.of(0)),
      await this.compressed, chunk("IEND", new Uint8Array())], { type });
  }

  /** Give up what was written so far. */
  async abort(): Promise<void> {
    await this.writer.abort();
  }

  private header(): Uint8Array<ArrayBuffer> {
    const view = new DataView(new ArrayBuffer(13));
    view.setUint32(0, this.look.width);
    view.setUint32(4, this.look.height);
    view.setUint8(8, 8);
    view.setUint8(9, (this.look.grey ? 0 : 2) + (this.look.alpha ? 4 : 0));
    return new Uint8Array(view.buffer);
  }

  private packed(rgba: Uint8ClampedArray, y: number): Uint8Array<ArrayBuffer> {
    const { width, grey, alpha } = this.look;
    const result = new Uint8Array(width * this.samples);
    for (let x = 0, from = y * width * 4, to = 0; x < width; x++, from += 4) {
      if (grey) {
        result[to++] = luma(rgba[from], rgba[from + 1], rgba[from + 2]);
      } else {
        result[to++] = rgba[from];
        result[to++] = rgba[from + 1];
        result[to++] = rgba[from + 2];
      }
      if (alpha) result[to++] = rgba[from + 3];
    }
    return result;
  }
}

/** Each byte less the one of its left, upper and upper left neighbours that is nearest to left + up - upper left. */
function paeth(row: Uint8Array, up: Uint8Array, samples: number, out: Uint8Array, to: number): void {
  for (let i = 0; i < row.length; i++) {
    const a = i < samples ? 0 : row[i - samples];
    const c = i < samples ? 0 : up[i - samples];
    const b = up[i];
    const [toA, toB, toC] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
    out[to + i] = row[i] - (toA <= toB && toA <= toC ? a : toB <= toC ? b : c);
  }
}

async function dataChunks(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Blob> {
  const done: Blob[] = [];
  let open: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = stream.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    open.push(read.value);
    bytes += read.value.length;
    if (bytes >= PART_BYTES) {
      done.push(new Blob([chunk("IDAT", joined(open, bytes))]));
      [open, bytes] = [[], 0];
    }
  }
  if (bytes > 0) done.push(new Blob([chunk("IDAT", joined(open, bytes))]));
  return new Blob(done);
}

function joined(parts: Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes);
  let place = 0;
  for (const part of parts) {
    result.set(part, place);
    place += part.length;
  }
  return result;
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(12 + data.length);
  const view = new DataView(result.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) result[4 + i] = type.charCodeAt(i);
  result.set(data, 8);
  view.setUint32(8 + data.length, crc(result.subarray(4, 8 + data.length)));
  return result;
}

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
