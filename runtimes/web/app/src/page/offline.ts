/** The service worker, which keeps the page for use without a network, and what the page says about threads. */

import { threadsHere } from "../runtimes";
import { element } from "./elements";

/** How long the first load waits for it, so that what is fetched next is kept too. */
const WAIT_MS = 3000;

export async function keepOffline(): Promise<void> {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
  await navigator.serviceWorker.register("sw.js");
  if (navigator.serviceWorker.controller !== null) return;
  await new Promise<void>((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", () => resolve(), { once: true });
    setTimeout(resolve, WAIT_MS);
  });
}

/** Which threads there are, and why no more. */
export function tellThreads(): void {
  const cores = navigator.hardwareConcurrency;
  element("threads").textContent = window.crossOriginIsolated
    ? `Uses ${threadsHere()} of ${cores} processor threads.`
    : "Uses one processor thread: this page is not cross-origin isolated. " +
      (window.isSecureContext
        ? "Load it again to use more; if that changes nothing, the server has to send the headers for it."
        : "That takes https, or localhost.");
}
