/**
 * site.json: the only data that the page reads first. `edgesr web` writes it next to index.html, with the artifacts'
 * files beside it. Names and meanings are those of a bundle's manifest; sizes are [height, width] in LR pixels.
 */

export type Size = readonly [height: number, width: number];
export type RuntimeName = "onnxruntime-web" | "litert";

export interface Site {
  kind: "edgesr-site";
  version: 1;
  /** The edgesr that wrote it. */
  edgesr_version: string;
  network: Network;
  /** The artifacts that a browser runtime opens, the default one among them. No `inside_only` and no pooled ones. */
  artifacts: Artifact[];
  /** Id of the artifact that the page takes unless the visitor chooses another one. */
  default: string;
}

/** What the upscaler has to know of a network. Its files take and give values in [0,255], whatever its own peak is. */
export interface Network {
  name: string;
  parameters: number;
  scale: number;
  colour: "rgb" | "luma" | "grey";
  /** Sides below are extended by their last row or column, then by reflection to a multiple. */
  minimum_side: number;
  multiple: number;
  /** What is added to a tile graph's residual; `upsample` "none": the graph gives the picture itself. */
  glue: { upsample: "bilinear" | "none"; noise_level: "db7-mad" | null; alpha: number | null };
  /** `exact`: a tile's kept part is that of the whole picture. Tiles begin at multiples of `step`. */
  tiling: { exact: boolean; step: number; passes: number; text: string } | null;
  /** Tiles of an artifact with dynamic sizes whose memory was not measured. */
  tile_size: Size;
}

export interface Artifact {
  id: string;
  runtime: RuntimeName;
  /** As in the manifest: "onnx", "tflite". */
  format: string;
  /** As in the manifest: "fp32", "fp16", "int8", ... */
  precision: string;
  graph: "full" | "tile";
  /** URL relative to site.json. */
  file: string;
  sha256: string;
  bytes: number;
  layout: "NCHW" | "NHWC";
  /** Fixed size of its input, null where height and width are dynamic. A resizable TFLite file is fixed here. */
  tile_size: Size | null;
  /** Least and largest size that it takes, null where it takes any. */
  bounds: { least: Size; most: Size } | null;
  /** LR pixels at an inner border of a tile that are wrong and are cut; null for a full graph. */
  halo: number | null;
  /** Multiply-accumulates of the network for each pixel of its picture: what makes tiles small on a page. */
  mac_per_hr_pixel: number;
  /** What it took at export beside its input, on a native runtime; null where it was not measured. */
  memory: { fixed_bytes: number; bytes_per_lr_pixel: number } | null;
}
