import { type AccessFormat, accessLine } from "../observe/access-log.ts";
import type { LineWriter } from "../observe/line-writer.ts";
import type { Observer } from "./observer.ts";

/** Writes a line for every request. */
export function logAccess(format: AccessFormat, lines: LineWriter): Observer {
  return {
    answered({ request, sender, path, route, caller, status, sent, ms }) {
      const { headers, method } = request;
      lines.add(
        accessLine(format, {
          at: Date.now(),
          address: sender.address,
          user: caller?.name ?? null,
          method,
          path,
          route: route?.pattern ?? null,
          status,
          bytes: sent,
          ms,
          referer: headers.get("referer"),
          userAgent: headers.get("user-agent"),
        }),
      );
    },
  };
}
