/** Which artifact runs on which back end, and the speeds that were measured here. */

import type { Artifact, Site } from "../site";
import { RUNTIMES, threadsHere, type Backend } from "../runtimes";
import type { Setting } from "../tasks/messages";
import { element } from "./elements";
import { remember, remembered } from "./memory";
import { bytes, speed } from "./texts";

const BACKENDS: Record<Backend, string> = { wasm: "Processor (WebAssembly)", webgpu: "Graphics (WebGPU)" };

export class Choice {
  private readonly artifacts = element("artifact");
  private readonly backends = element("backend");

  constructor(private readonly site: Site, private readonly siteUrl: URL, changed: () => void) {
    for (const artifact of offered(site)) this.artifacts.add(new Option("", artifact.id));
    const known: Backend[] = "gpu" in navigator ? ["wasm", "webgpu"] : ["wasm"];
    for (const backend of known) this.backends.add(new Option(BACKENDS[backend], backend));
    this.artifacts.value = site.default;
    this.draw();
    for (const select of [this.artifacts, this.backends]) {
      select.addEventListener("change", () => {
        this.draw();
        changed();
      });
    }
  }

  get setting(): Setting {
    return this.settingOf(this.artifact);
  }

  /** The same with an artifact that takes any size, null where there is none or it was chosen already. */
  get flexible(): Setting | null {
    const any = this.site.artifacts.filter((one) => one.graph === "tile" && one.tile_size === null);
    const found = any.find((one) => one.precision === this.artifact.precision) ?? any[0];
    return found === undefined || found === this.artifact ? null : this.settingOf(found);
  }

  /** Remembers a speed of this browser. */
  note(setting: Setting, megapixelsPerSecond: number): void {
    remember(keyOf(setting), String(megapixelsPerSecond));
    this.draw();
  }

  private get artifact(): Artifact {
    const found = this.site.artifacts.find((one) => one.id === this.artifacts.value);
    if (found === undefined) throw new Error(`site.json has no artifact ${this.artifacts.value}`);
    return found;
  }

  private settingOf(artifact: Artifact): Setting {
    const backend = this.backends.value as Backend;
    return { siteUrl: this.siteUrl.href, network: this.site.network, artifact, backend, threads: threadsHere() };
  }

  private draw(): void {
    for (const option of this.artifacts.options) {
      const artifact = this.site.artifacts.find((one) => one.id === option.value);
      if (artifact !== undefined) option.textContent = this.labelOf(artifact);
    }
    const { artifact } = this;
    const tiles = artifact.tile_size === null ? "tiles of any size" : `tiles of ${artifact.tile_size.join(" × ")}`;
    const runs = artifact.graph === "full" ? "the whole picture in one piece" : tiles;
    element("artifact-facts").textContent =
      `${artifact.id}: ${artifact.precision}, ${runs}, runs in ${RUNTIMES[artifact.runtime].title}.`;
  }

  private labelOf(artifact: Artifact): string {
    const known = remembered(keyOf(this.settingOf(artifact)));
    const usual = artifact.id === this.site.default ? " (usual)" : "";
    const measured = known === null ? "" : `, ${speed(Number(known))} here`;
    return `${artifact.precision}${usual}, ${RUNTIMES[artifact.runtime].title}, ${bytes(artifact.bytes)}${measured}`;
  }
}

/** Photographs have any size: graphs of whole pictures are for networks without tiles. */
function offered({ artifacts, default: usual }: Site): Artifact[] {
  const tiles = artifacts.filter((one) => one.graph === "tile" || one.id === usual);
  return tiles.some((one) => one.graph === "tile") ? tiles : artifacts;
}

function keyOf({ artifact, backend, threads }: Setting): string {
  return ["speed", artifact.id, artifact.sha256.slice(0, 16), backend, threads].join(" ");
}
