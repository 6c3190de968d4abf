/** The page: a photograph comes in, a worker upscales it, and both are shown and saved. */

import type { Site } from "./site";
import { Choice } from "./page/choice";
import { element, tell } from "./page/elements";
import { Cancelled, Engine, WorkError } from "./page/engine";
import { onPicture } from "./page/intake";
import { keepOffline, tellThreads } from "./page/offline";
import { outputName, save, webpOf } from "./page/saving";
import { seconds, size, speed } from "./page/texts";
import { Viewer } from "./page/viewer";
import type { Answer, Result, Setting } from "./tasks/messages";

/** Pixels of a picture that browsers still show; larger ones are saved only. */
const MOST_SHOWN_PIXELS = 120e6;

const siteUrl = new URL("site.json", document.baseURI);

async function start(): Promise<void> {
  await keepOffline();
  const response = await fetch(siteUrl);
  if (!response.ok) throw new Error(`site.json cannot be fetched: the server answered ${response.status}.`);
  const site = (await response.json()) as Site;
  if (site.kind !== "edgesr-site" || site.version !== 1) {
    throw new Error("site.json is not of the version that this page reads: write the site again with edgesr web.");
  }
  new App(site).ready();
}

class App {
  private readonly engine = new Engine();
  private readonly viewer = new Viewer();
  private readonly choice: Choice;
  private shown: { file: File; result: Result } | null = null;
  private urls: string[] = [];
  /** Says which files were left out. */
  private left = "";
  private spokenQuarter = 0;
  /** Counts what was begun, so that what was cancelled does not end what came after it. */
  private begun = 0;

  constructor(private readonly site: Site) {
    const { network } = site;
    element("scale").textContent = `${network.scale} times larger`;
    document.title = `Make a photograph ${network.scale} times larger`;
    element("about").textContent =
      `Network: ${network.name}, ${network.parameters.toLocaleString("en")} parameters. Made with edgesr ${site.edgesr_version}.`;
    this.choice = new Choice(site, siteUrl, () => void this.prepare());
    element("settings").hidden = false;
    tellThreads();
    onPicture((file, others) => void this.take(file, others));
    element("cancel").addEventListener("click", () => this.engine.cancel());
    element("measure").addEventListener("click", () => void this.measure());
    element("save-png").addEventListener("click", () => this.savePng());
    element("save-webp").addEventListener("click", () => void this.saveWebp());
  }

  ready(): void {
    void this.prepare();
  }

  /** Fetches and opens the chosen artifact before it is needed, which also keeps it for offline use. */
  private async prepare(): Promise<void> {
    await this.guarded(async () => {
      const description = await this.engine.open(this.choice.setting);
      document.body.dataset["opened"] = description;
    });
  }

  private async take(file: File, others: number): Promise<void> {
    this.forget();
    this.left = others === 0 ? "" : `The page takes one photograph at a time: ${file.name} of ${others + 1} files. `;
    tell("remark", this.left);
    await this.working("Reading the photograph…", async () => {
      const [result, setting] = await this.upscaled(file);
      this.choice.note(setting, result.megapixelsPerSecond);
      await this.show(file, result);
    });
  }

  /** By the chosen artifact, or by one of any size where the image is too small for it, and says so. */
  private async upscaled(file: File): Promise<[Result, Setting]> {
    const { setting, flexible } = this.choice;
    try {
      return [await this.engine.upscale(setting, file, (answer) => this.listen(answer)), setting];
    } catch (error) {
      if (!(error instanceof WorkError && error.refused) || flexible === null) throw error;
      tell("remark", `${this.left}${sentence(error.message)} It runs in ${flexible.artifact.id}.`);
      return [await this.engine.upscale(flexible, file, (answer) => this.listen(answer)), flexible];
    }
  }

  private listen(answer: Answer): void {
    if (answer.kind !== "progress") return;
    const { done, total, pass, seconds: spent } = answer;
    element("work-bar").value = done / total;
    const left = done === 0 ? "" : `, about ${seconds((spent / done) * (total - done))} left`;
    element("work-text").textContent = `${done} of ${total} tiles${pass === 1 ? left : " of the second pass"}`;
    const quarter = Math.floor((4 * done) / total);
    if (quarter !== this.spokenQuarter) element("spoken").textContent = `${quarter * 25} percent done`;
    this.spokenQuarter = quarter;
  }

  private async show(file: File, result: Result): Promise<void> {
    const { width, height, description } = result;
    this.shown = { file, result };
    const { scale } = this.site.network;
    element("facts").textContent =
      `${size(width / scale, height / scale)} → ${size(width, height)} pixels in ${seconds(result.seconds)} ` +
      `(${speed(result.megapixelsPerSecond)}), by ${description}`;
    const shows = width * height <= MOST_SHOWN_PIXELS;
    for (const id of ["viewer", "viewer-controls", "viewer-help"] as const) element(id).hidden = !shows;
    tell("too-large", shows ? "" : `${size(width, height)} pixels are too many to show here. They are ready to be saved.`);
    element("result").hidden = false;
    if (shows) {
      this.urls = [URL.createObjectURL(file), URL.createObjectURL(result.png)];
      await this.viewer.show(this.urls[0], this.urls[1], width, height);
    }
    element("spoken").textContent = `Done: ${size(width, height)} pixels.`;
  }

  private async measure(): Promise<void> {
    await this.working("Measuring: one tile, twice…", async () => {
      const { setting } = this.choice;
      const found = await this.engine.measure(setting);
      this.choice.note(setting, found);
      tell("remark", `${setting.artifact.id} makes ${speed(found)} (megapixels of the new picture a second) here.`);
    });
  }

  private savePng(): void {
    if (this.shown !== null) save(this.shown.result.png, this.nameFor("png"));
  }

  private async saveWebp(): Promise<void> {
    const { shown } = this;
    if (shown === null) return;
    const name = this.nameFor("webp");
    await this.guarded(async () => save(await webpOf(shown.result), name));
  }

  private nameFor(suffix: string): string {
    return outputName(this.shown?.file.name ?? "", this.site.network.scale, suffix);
  }

  private forget(): void {
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    [this.urls, this.shown] = [[], null];
    element("result").hidden = true;
    tell("remark", "");
  }

  /** Shows the progress while something is computed; what was computed before is cancelled. */
  private async working(text: string, act: () => Promise<void>): Promise<void> {
    if (!element("work").hidden) this.engine.cancel();
    const mine = ++this.begun;
    document.body.classList.add("has-picture");
    element("work-text").textContent = text;
    element("work-bar").removeAttribute("value");
    this.setBusy(true);
    await this.guarded(act);
    if (mine === this.begun) this.setBusy(false);
  }

  private setBusy(busy: boolean): void {
    element("work").hidden = !busy;
    for (const id of ["measure", "artifact", "backend"] as const) element(id).disabled = busy;
  }

  private async guarded(act: () => Promise<void>): Promise<void> {
    tell("problem", "");
    try {
      await act();
    } catch (error) {
      if (error instanceof Cancelled) return;
      tell("problem", sentence(error instanceof Error ? error.message : String(error)));
    }
  }
}

/** With a capital letter and a full stop. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

start().catch((error: unknown) => tell("problem", sentence(error instanceof Error ? error.message : String(error))));
