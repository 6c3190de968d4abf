/** What the page and its worker tell each other. */

import type { Artifact, Network } from "../site";
import type { Backend } from "../runtimes";

export interface Setting {
  siteUrl: string;
  network: Network;
  artifact: Artifact;
  backend: Backend;
  threads: number;
}

export type Order =
  | { kind: "open"; setting: Setting }
  | { kind: "upscale"; setting: Setting; file: Blob }
  | { kind: "measure"; setting: Setting };

export type Answer =
  | { kind: "opened"; description: string }
  | { kind: "decoded"; width: number; height: number }
  | { kind: "progress"; done: number; total: number; pass: number; seconds: number }
  | { kind: "done"; result: Result }
  | { kind: "measured"; megapixelsPerSecond: number }
  /** `refused`: the artifact does not take an image of this size, another one may. */
  | { kind: "failed"; message: string; refused: boolean };

/** An upscaled picture. */
export interface Result {
  png: Blob;
  width: number;
  height: number;
  seconds: number;
  megapixelsPerSecond: number;
  description: string;
}
