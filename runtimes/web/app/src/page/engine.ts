/** The worker as the page sees it: one order at a time, each of which can be cancelled by ending the worker. */

import type { Answer, Order, Result, Setting } from "../tasks/messages";

/** What the worker could not do; `refused`: another artifact may take the image. */
export class WorkError extends Error {
  constructor(message: string, readonly refused: boolean) {
    super(message);
  }
}

export class Cancelled extends Error {}

export type Listener = (answer: Answer) => void;

export class Engine {
  private worker: Worker | null = null;
  /** Runtime and back end of the worker: another one gets a worker of its own, and the memory of the last is freed. */
  private serves = "";
  private fail: ((reason: Error) => void) | null = null;

  async open(setting: Setting): Promise<string> {
    const answer = await this.order({ kind: "open", setting }, "opened");
    return answer.description;
  }

  async upscale(setting: Setting, file: Blob, listen: Listener): Promise<Result> {
    const answer = await this.order({ kind: "upscale", setting, file }, "done", listen);
    return answer.result;
  }

  async measure(setting: Setting): Promise<number> {
    const answer = await this.order({ kind: "measure", setting }, "measured");
    return answer.megapixelsPerSecond;
  }

  /** Ends the worker, whatever it computes, and gives its memory back. */
  cancel(): void {
    this.worker?.terminate();
    this.worker = null;
    this.fail?.(new Cancelled());
    this.fail = null;
  }

  private order<Kind extends Answer["kind"]>(
    order: Order, wanted: Kind, listen: Listener = () => undefined,
  ): Promise<Extract<Answer, { kind: Kind }>> {
    this.fail?.(new Cancelled());
    const serves = `${order.setting.artifact.runtime} ${order.setting.backend}`;
    if (serves !== this.serves) this.cancel();
    this.serves = serves;
    this.worker ??= new Worker("worker.js");
    const worker = this.worker;
    return new Promise((resolve, reject) => {
      this.fail = reject;
      worker.onerror = (event) => reject(new WorkError(event.message || "The worker could not be started.", false));
      worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        if (data.kind === "failed") reject(new WorkError(data.message, data.refused));
        else if (data.kind === wanted) resolve(data as Extract<Answer, { kind: Kind }>);
        else listen(data);
      };
      worker.postMessage(order);
    });
  }
}
