/** For pages of your own next to site.json: opens its artifacts on the runtimes that lie in `runtimes/`. */

export { openSession, threadsHere, type ArtifactSession, type Backend, type OpenOptions } from "./runtimes";
