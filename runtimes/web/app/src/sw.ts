/**
 * The service worker: the page works offline once it was loaded, and is cross-origin isolated (which threads need) on
 * hosts that cannot set headers. Files whose address changes with their content come from the cache, others from the
 * network while there is one.
 */

declare const self: ServiceWorkerGlobalScope;
export {};

const CACHE = "edgesr-site";
const SHELL = ["./", "app.js", "style.css", "worker.js", "icon.svg", "site.json"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === self.location.origin) event.respondWith(answerTo(event.request, url));
});

async function answerTo(request: Request, url: URL): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept !== undefined && url.searchParams.has("sha256")) return isolated(kept);
  try {
    const response = await fetch(request);
    if (response.status === 200) await keep(cache, request, url, response.clone());
    return isolated(response);
  } catch (error) {
    if (kept !== undefined) return isolated(kept);
    throw error;
  }
}

/** Older files of the same path go: an artifact that was exported anew has another hash in its address. */
async function keep(cache: Cache, request: Request, url: URL, response: Response): Promise<void> {
  if (url.searchParams.has("sha256")) await cache.delete(request, { ignoreSearch: true });
  await cache.put(request, response);
}

/** The same response with the headers that make a page cross-origin isolated. */
function isolated(response: Response): Response {
  if (response.status === 0 || response.type === "opaqueredirect") return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
