import { error } from "./asked.ts";
import type { Content, Manifest, Repository } from "./content.ts";

interface Run {
  readonly id: number;
  status: "Pending" | "Running" | "Success" | "Error" | "Stopped";
  readonly kind: "MANUAL" | "SCHEDULE";
  readonly startedAt: number;
  parameters: Record<string, unknown>;
  log: string;
}

/** Harbor's garbage collection: jobs that somebody asks for, and that really free what nothing needs. */
export class HarborGc {
  readonly runs: Run[] = [];
  /** Looks at a run before it has ended. */
  looks = 2;
  /** How the next run ends. */
  ending: "Success" | "Error" | "Stopped" = "Success";
  /** Answers 409 while one goes on, as its documentation says; its code lets a second one wait. */
  refusesSecond = false;

  constructor(readonly content: Content) {}

  schedule(body: Uint8Array): Response {
    const { schedule, parameters = {} } = JSON.parse(new TextDecoder().decode(body)) as {
      schedule?: { type?: string };
      parameters?: Record<string, unknown>;
    };
    if (schedule?.type !== "Manual") return error(400, "BAD_REQUEST", "only Manual is known here");
    if (this.refusesSecond && this.runs.some(({ status }) => status === "Running")) {
      return error(409, "CONFLICT", "a garbage collection goes on");
    }
    const { id } = this.start("MANUAL", parameters);
    return new Response(null, { status: 201, headers: { location: `/api/v2.0/system/gc/${id}` } });
  }

  start(kind: Run["kind"], parameters: Record<string, unknown>): Run {
    const run: Run = {
      id: this.runs.length + 1,
      status: "Pending",
      kind,
      startedAt: this.content.time(),
      parameters,
      log: "",
    };
    this.runs.push(run);
    return run;
  }

  /** Each look lets time pass. */
  look(id: number): Response {
    const run = this.runs.find((one) => one.id === id);
    if (!run) return error(404, "NOT_FOUND", `garbage collection execution ${id} not found`);
    if (run.status === "Pending") run.status = "Running";
    else if (run.status === "Running" && --this.looks <= 0) this.#end(run);
    return Response.json(shown(run));
  }

  history(page: number, size: number): Response {
    const all = this.runs.toReversed();
    return Response.json(all.slice((page - 1) * size, page * size).map(shown), {
      headers: { "x-total-count": String(all.length) },
    });
  }

  logOf(id: number): Response {
    const run = this.runs.find((one) => one.id === id);
    if (!run || run.status === "Pending") {
      return error(404, "NOT_FOUND", `garbage collection ${id} log is not found`);
    }
    return new Response(run.log, { headers: { "content-type": "text/plain" } });
  }

  #end(run: Run): void {
    run.status = this.ending;
    run.log += `Garbage Collection parameters: ${JSON.stringify(run.parameters)}\n`;
    if (this.ending !== "Success") return;
    if (run.parameters["delete_untagged"] !== false) this.#removeUntagged();
    const needed = new Set<string>();
    for (const { manifests } of this.content.all()) {
      for (const { document } of manifests.values()) {
        for (const { digest } of [
          ...(document.layers ?? []),
          ...(document.config ? [document.config] : []),
        ]) {
          needed.add(digest);
        }
      }
    }
    let freed = 0;
    let blobs = 0;
    for (const [digest, bytes] of this.content.blobs) {
      if (needed.has(digest)) continue;
      freed += bytes.length;
      blobs += 1;
      if (run.parameters["dry_run"] !== true) this.content.blobs.delete(digest);
    }
    run.parameters = {
      ...run.parameters,
      freed_space: freed,
      purged_blobs: blobs,
      purged_manifests: 0,
    };
    run.log += `success to run gc in job.\n`;
  }

  #removeUntagged(): void {
    for (const repository of this.content.all()) {
      for (const { digest, document } of repository.manifests.values()) {
        const free = repository.tagsOf(digest).length === 0 && !document.subject;
        if (free && repository.parentsOf(digest).length === 0) removeDeeply(repository, digest);
      }
    }
  }
}

/** What Harbor takes for a part of an artifact: its referrers, and cosign's signatures by tag. */
export function accessoriesOf(repository: Repository, digest: string): Manifest[] {
  return [...repository.referrersOf(digest), ...repository.signaturesOf(digest)];
}

/** Deletes an artifact as Harbor does: its accessories and those children that nothing else keeps go with it. */
export function removeDeeply(repository: Repository, digest: string): void {
  const manifest = repository.manifests.get(digest);
  if (!manifest) return;
  const accessories = accessoriesOf(repository, digest);
  repository.remove(digest);
  for (const accessory of accessories) removeDeeply(repository, accessory.digest);
  for (const child of manifest.document.manifests ?? []) {
    if (repository.tagsOf(child.digest).length > 0) continue;
    if (repository.parentsOf(child.digest).length === 0) removeDeeply(repository, child.digest);
  }
}

function shown({ id, status, kind, startedAt, parameters }: Run): object {
  const at = new Date(startedAt).toISOString();
  return {
    id,
    job_name: "GARBAGE_COLLECTION",
    job_kind: kind,
    job_parameters: JSON.stringify(parameters),
    job_status: status,
    deleted: false,
    schedule: { type: "Manual" },
    creation_time: at,
    update_time: at,
  };
}
