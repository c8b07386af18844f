import { z } from "zod";
import { file, headers, listen } from "./values.ts";

/** Of `wharf keep`, and of pull times and plans wherever they are made. */
export const keep = z
  .strictObject({
    listen: listen
      .prefault("127.0.0.1:8080")
      .describe(
        "where `wharf keep` takes notifications and triggers, and tells its health and metrics",
      ),
    state: file
      .prefault("./wharf-keep")
      .describe(
        "the folder of what must survive a restart: first and last times of tags, runs, the audit",
      ),
    username: z.string().min(1).optional().describe("who may start a pruning; unset: everybody"),
    password: z.string().min(1).optional().meta({ secret: true, description: "see `username`" }),
    eventToken: z.string().min(1).optional().meta({
      secret: true,
      description:
        "notifications must have `Authorization: Bearer` with it; unset: anybody's are taken",
    }),
    report: z
      .array(
        z.strictObject({
          url: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).meta({
            secret: true,
            description: "where the result of every run is posted, as JSON",
          }),
          headers: headers
            .meta({ secret: true, description: "sent with it: name to values" })
            .prefault({}),
          secret: z.string().min(1).optional().meta({
            secret: true,
            description: "signs it, as `notifications.endpoints[].secret` does",
          }),
        }),
      )
      .prefault([])
      .describe("who hears of what runs have done"),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    error: "username and password belong together",
  });

/** Whose pulls count as use of an image. */
export const pulls = z.strictObject({
  ignore: z
    .array(z.string().min(1))
    .prefault([])
    .describe("user agents, as globs, that do not count: scanners, mirrors (`trivy/*`)"),
  heads: z
    .array(z.string().min(1))
    .prefault(["containerd/*", "cri-o/*", "docker/*", "containers/*"])
    .describe(
      "user agents whose HEAD counts as a pull: runtimes that have the image ask only whether its tag has moved. Of all others it does not",
    ),
});
