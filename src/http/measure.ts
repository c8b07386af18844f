import type { Metrics } from "../observe/metrics.ts";
import type { Observer } from "./observer.ts";

/** Counts every request. */
export function measure({ http }: Metrics): Observer {
  return {
    answered({ request, route, status, ms, received, sent }) {
      http.answered(route, request.method, status, ms, received, sent);
    },
  };
}
