/** One image in tiles: residuals, the statistics that the projection takes over the whole image, and bands of rows. */

import type { Network, Size } from "../site";
import { upsampledPart } from "./bilinear";
import { colouredPicture, networkImage } from "./colour";
import { streamedNoiseLevel } from "./noise-level";
import { emptyPlanes, Source, type Pixels, type Planes } from "./planes";
import type { Grid, Span } from "./tiles";

/** An open network. */
export interface Session {
  /** (c,h,w) in [0,255], c channels one after the other -> (c, scale*h, scale*w): a residual, or a picture. */
  run(input: Float32Array, height: number, width: number): Promise<Float32Array>;
}

export type RunNetwork = Pick<Network, "scale" | "colour" | "minimum_side" | "multiple" | "glue">;

/** A run of rows of the picture, from top to bottom: RGB (3,height,width), which may pass [0,255] a little. */
export interface Band extends Planes {
  top: number;
}

export interface TileReport {
  done: number;
  total: number;
}

/** What a session gives for a tile: a "whole" picture is not clipped before its colours are added. */
export type Gives = "residual" | "picture" | "whole";

const LARGEST_ALPHA = 700;

export class TiledRun {
  readonly projected: boolean;
  private readonly source: Source;
  private readonly own: Source;
  private readonly sigma: number;
  private squareSum = 0;

  constructor(
    pixels: Pixels,
    private readonly network: RunNetwork,
    private readonly gives: Gives,
    private readonly session: Session,
  ) {
    this.source = new Source(pixels, network.minimum_side, network.multiple);
    this.own = new Source(pixels, 1, 1);
    this.projected = gives === "residual" && network.glue.noise_level !== null && network.glue.alpha !== null;
    this.sigma = this.projected ? this.noiseLevel() : 1;
  }

  /** Height and width as the network has them. */
  get size(): Size {
    return this.source.size;
  }

  /** k before the residual's norm is known. */
  get firstFactor(): number {
    return this.sigma === 0 ? 0 : 1;
  }

  /** k in [0,1] that bounds the root mean square of the residual by exp(alpha)*sigma, after a measuring pass. */
  measuredFactor(): number {
    if (this.sigma === 0) return 0;
    const count = this.size[0] * this.size[1] * 3 * this.network.scale ** 2;
    const rms = Math.sqrt(this.squareSum / (count - 1));
    const bound = Math.exp(Math.min(this.network.glue.alpha ?? 0, LARGEST_ALPHA)) * this.sigma;
    return rms <= bound ? 1 : bound / rms;
  }

  /** The bands for a factor k, one for each row of tiles; squares of the residual are summed up on the way. */
  async *bands(grid: Grid, k: number, report: (report: TileReport) => void): AsyncGenerator<Band> {
    this.squareSum = 0;
    const total = grid.rows.length * grid.columns.length;
    let done = 0;
    report({ done, total });
    for (const rows of grid.rows) {
      const band = this.emptyBand(rows);
      for (const columns of grid.columns) {
        const output = k === 0 ? null : await this.output(rows, columns);
        this.glue(band, rows, columns, output, k);
        report({ done: ++done, total });
      }
      const coloured = this.coloured(band, rows);
      if (coloured.height > 0) yield { ...coloured, top: rows.keepStart * this.network.scale };
    }
  }

  private emptyBand(rows: Span): Planes {
    const { scale, colour } = this.network;
    const height = Math.max(Math.min(rows.keepStop, this.own.size[0]) - rows.keepStart, 0) * scale;
    return emptyPlanes(colour === "rgb" ? 3 : 1, height, this.own.size[1] * scale);
  }

  private async output(rows: Span, columns: Span): Promise<Planes> {
    const lr = networkImage(this.source.part(rows, columns), this.network.colour);
    const { scale } = this.network;
    const values = await this.session.run(lr.values, lr.height, lr.width);
    const result = { channels: lr.channels, height: lr.height * scale, width: lr.width * scale, values };
    const expected = result.channels * result.height * result.width;
    if (values.length !== expected) {
      throw new Error(`the network gave ${values.length} values for a tile of ${lr.height}x${lr.width}, not ${expected}`);
    }
    return result;
  }

  /** The kept part of a tile: clip(u - k*r), or the picture itself, into its place of the band. */
  private glue(band: Planes, rows: Span, columns: Span, output: Planes | null, k: number): void {
    const { scale } = this.network;
    const kept = { rows: keptRange(rows), columns: keptRange(columns) };
    const upsampled = this.gives === "residual" ? upsampledPart(this.source, scale, kept.rows, kept.columns) : null;
    const height = (rows.keepStop - rows.keepStart) * scale;
    const width = (columns.keepStop - columns.keepStart) * scale;
    const [top, left] = [(rows.keepStart - rows.start) * scale, (columns.keepStart - columns.start) * scale];
    const shown = Math.min(width, band.width - columns.keepStart * scale);
    for (let channel = 0; channel < band.channels; channel++) {
      for (let y = 0; y < height; y++) {
        const to = y < band.height ? (channel * band.height + y) * band.width + columns.keepStart * scale : -1;
        const from = output === null ? 0 : (channel * output.height + top + y) * output.width + left;
        const base = (channel * height + y) * width;
        for (let x = 0; x < width; x++) {
          const given = output === null ? 0 : output.values[from + x];
          this.squareSum += given * given;
          const value = upsampled === null ? given : upsampled.values[base + x] - k * given;
          if (to < 0 || x >= shown) continue;
          band.values[to + x] = this.gives === "whole" ? value : Math.min(Math.max(value, 0), 255);
        }
      }
    }
    if (!Number.isFinite(this.squareSum)) throw new Error("the network gives values that are not finite");
  }

  private coloured(band: Planes, rows: Span): Planes {
    const { scale, colour } = this.network;
    const own = { start: rows.keepStart, stop: Math.min(rows.keepStop, this.own.size[0]) };
    if (own.stop <= own.start) return band;
    return colouredPicture(band, colour, this.own, scale, own, { start: 0, stop: this.own.size[1] });
  }

  private noiseLevel(): number {
    const { scale } = this.network;
    const [height, width] = this.size;
    return streamedNoiseLevel(
      (first, last) => {
        const rows = { start: Math.floor(first / scale), stop: Math.ceil(last / scale) };
        const band = upsampledPart(this.source, scale, rows, { start: 0, stop: width });
        return rowsOf(band, first - rows.start * scale, last - rows.start * scale);
      },
      [height * scale, width * scale],
    );
  }
}

const keptRange = (span: Span): { start: number; stop: number } => ({ start: span.keepStart, stop: span.keepStop });

function rowsOf(planes: Planes, first: number, last: number): Planes {
  const result = emptyPlanes(planes.channels, last - first, planes.width);
  for (let channel = 0; channel < planes.channels; channel++) {
    const from = (channel * planes.height + first) * planes.width;
    const part = planes.values.subarray(from, from + (last - first) * planes.width);
    result.values.set(part, channel * result.height * planes.width);
  }
  return result;
}
