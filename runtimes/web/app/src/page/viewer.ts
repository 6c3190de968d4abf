/** Before and after, one above the other: a line between them, zoom and a picture that can be moved. */

import { element } from "./elements";

const MOST_ZOOM = 8;
const STEP = 1.5;
const KEY_PIXELS = 60;

interface Point {
  x: number;
  y: number;
}

export class Viewer {
  private readonly frame = element("viewer");
  private size = { width: 1, height: 1 };
  private zoom = 1;
  private fitted = true;
  private left = 0;
  private top = 0;
  /** Where the fingers, or the mouse, are that hold something. */
  private readonly fingers = new Map<number, Point>();

  constructor() {
    element("split").addEventListener("input", () => this.draw());
    element("zoom-in").addEventListener("click", () => this.zoomTo(this.zoom * STEP));
    element("zoom-out").addEventListener("click", () => this.zoomTo(this.zoom / STEP));
    element("zoom-fit").addEventListener("click", () => this.fit());
    element("zoom-full").addEventListener("click", () => this.zoomTo(1 / window.devicePixelRatio));
    this.frame.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.frame.addEventListener("keydown", (event) => this.onKey(event));
    this.frame.addEventListener("pointerdown", (event) => this.onPointer(event));
    new ResizeObserver(() => (this.fitted ? this.fit() : this.draw())).observe(this.frame);
  }

  /** Shows two pictures (URLs), the first of them stretched to the size of the second. */
  async show(before: string, after: string, width: number, height: number): Promise<void> {
    this.size = { width, height };
    for (const [id, url] of [["before", before], ["after", after]] as const) {
      const image = element(id);
      image.src = url;
      image.style.width = `${width}px`;
      image.style.height = `${height}px`;
      await image.decode();
    }
    this.fit();
  }

  private fit(): void {
    this.zoom = this.whole();
    this.fitted = true;
    this.draw();
  }

  /** The zoom that shows the whole picture. */
  private whole(): number {
    const { clientWidth, clientHeight } = this.frame;
    return Math.min(clientWidth / this.size.width, clientHeight / this.size.height) || 1;
  }

  /** Zooms about a point of the frame, its middle by default. */
  private zoomTo(wanted: number, x = this.frame.clientWidth / 2, y = this.frame.clientHeight / 2): void {
    const least = Math.min(this.whole(), 1 / window.devicePixelRatio);
    const zoom = Math.min(Math.max(wanted, least), Math.max(MOST_ZOOM, this.whole()));
    this.left = x - ((x - this.left) * zoom) / this.zoom;
    this.top = y - ((y - this.top) * zoom) / this.zoom;
    this.zoom = zoom;
    this.fitted = zoom === this.whole();
    this.draw();
  }

  private move(x: number, y: number): void {
    this.left += x;
    this.top += y;
    this.draw();
  }

  private draw(): void {
    this.left = within(this.left, this.frame.clientWidth, this.size.width * this.zoom);
    this.top = within(this.top, this.frame.clientHeight, this.size.height * this.zoom);
    const transform = `translate(${this.left}px, ${this.top}px) scale(${this.zoom})`;
    this.frame.style.setProperty("--check", `${16 / this.zoom}px`);
    element("before").style.transform = transform;
    element("after").style.transform = transform;
    const split = element("split");
    element("after-clip").style.clipPath = `inset(0 0 0 ${split.value}%)`;
    element("divider").style.left = `${split.value}%`;
    split.setAttribute("aria-valuetext", `${split.value} % before, ${100 - split.valueAsNumber} % after`);
    const percent = Math.round(this.zoom * window.devicePixelRatio * 100);
    element("zoom-value").textContent = `${percent}%`;
  }

  private onWheel(event: WheelEvent): void {
    event.preventDefault();
    const { left, top } = this.frame.getBoundingClientRect();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 400), event.clientX - left, event.clientY - top);
  }

  private onKey(event: KeyboardEvent): void {
    const keys: Record<string, () => void> = {
      ArrowLeft: () => this.move(KEY_PIXELS, 0),
      ArrowRight: () => this.move(-KEY_PIXELS, 0),
      ArrowUp: () => this.move(0, KEY_PIXELS),
      ArrowDown: () => this.move(0, -KEY_PIXELS),
      "+": () => this.zoomTo(this.zoom * STEP),
      "=": () => this.zoomTo(this.zoom * STEP),
      "-": () => this.zoomTo(this.zoom / STEP),
      "0": () => this.fit(),
    };
    const act = keys[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  }

  /** A finger or the mouse moves the line or the picture, two fingers zoom. */
  private onPointer(down: PointerEvent): void {
    const onLine = down.target instanceof Node && element("divider").contains(down.target);
    this.frame.setPointerCapture(down.pointerId);
    this.fingers.set(down.pointerId, { x: down.clientX, y: down.clientY });
    const end = new AbortController();
    const move = (event: PointerEvent): void => {
      if (event.pointerId === down.pointerId) this.onMove(event, onLine);
    };
    const stop = (event: PointerEvent): void => {
      if (event.pointerId !== down.pointerId) return;
      this.fingers.delete(down.pointerId);
      this.frame.classList.remove("moving");
      end.abort();
    };
    this.frame.classList.toggle("moving", !onLine);
    this.frame.addEventListener("pointermove", move, { signal: end.signal });
    for (const kind of ["pointerup", "pointercancel"] as const) this.frame.addEventListener(kind, stop, { signal: end.signal });
  }

  private onMove(event: PointerEvent, onLine: boolean): void {
    const box = this.frame.getBoundingClientRect();
    const before = this.fingers.get(event.pointerId) ?? { x: event.clientX, y: event.clientY };
    const now = { x: event.clientX, y: event.clientY };
    this.fingers.set(event.pointerId, now);
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other !== undefined) {
      const distance = (point: Point): number => Math.hypot(point.x - other.x, point.y - other.y);
      const [x, y] = [(now.x + other.x) / 2 - box.left, (now.y + other.y) / 2 - box.top];
      this.zoomTo((this.zoom * distance(now)) / Math.max(distance(before), 1), x, y);
    } else if (onLine) {
      element("split").valueAsNumber = ((event.clientX - box.left) / box.width) * 100;
      this.draw();
    } else this.move(now.x - before.x, now.y - before.y);
  }
}

/** Where a side of a picture begins: in the middle of a larger frame, and covering a smaller one. */
function within(place: number, frame: number, side: number): number {
  return side <= frame ? (frame - side) / 2 : Math.min(0, Math.max(frame - side, place));
}
