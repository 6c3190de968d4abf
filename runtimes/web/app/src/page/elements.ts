/** The elements of index.html by their ids, each of the kind that it has there. */

const KINDS = {
  scale: HTMLElement, file: HTMLInputElement, work: HTMLElement, "work-text": HTMLElement, "work-bar": HTMLProgressElement,
  cancel: HTMLButtonElement, problem: HTMLElement, remark: HTMLElement, spoken: HTMLElement, result: HTMLElement,
  viewer: HTMLElement, before: HTMLImageElement, after: HTMLImageElement, "after-clip": HTMLElement, divider: HTMLElement,
  "too-large": HTMLElement, "viewer-controls": HTMLElement, "viewer-help": HTMLElement, split: HTMLInputElement,
  "zoom-out": HTMLButtonElement, "zoom-in": HTMLButtonElement, "zoom-fit": HTMLButtonElement, "zoom-full": HTMLButtonElement,
  "zoom-value": HTMLOutputElement, facts: HTMLElement, "save-png": HTMLButtonElement, "save-webp": HTMLButtonElement,
  settings: HTMLElement, artifact: HTMLSelectElement, backend: HTMLSelectElement, measure: HTMLButtonElement,
  "artifact-facts": HTMLElement, threads: HTMLElement, about: HTMLElement,
} as const;

type Kinds = typeof KINDS;

export function element<Id extends keyof Kinds>(id: Id): InstanceType<Kinds[Id]> {
  const found = document.getElementById(id);
  if (!(found instanceof KINDS[id])) throw new Error(`index.html has no #${id} of its kind`);
  return found as InstanceType<Kinds[Id]>;
}

/** Shows a text, or hides the element where there is none. */
export function tell(id: "problem" | "remark" | "too-large", text: string): void {
  element(id).textContent = text;
  element(id).hidden = text === "";
}
