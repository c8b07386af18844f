import { type RemovalRequest, doJobs } from "./removals.ts";

/** One of the threads of a `RemovalPool`. */

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<RemovalRequest>) => {
  self.postMessage(doJobs(data.root, data.jobs));
};
