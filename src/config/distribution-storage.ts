import type { Section } from "./distribution-section.ts";

/** The keys beside the driver. */
const BESIDE = ["cache", "delete", "maintenance", "redirect", "tag"];

/** Where distribution's images keep their data, and the default of its driver. */
const ROOT = "/var/lib/registry";

export function translateStorage(top: Section): Readonly<Record<string, unknown>> {
  if (top.isText("storage")) return driverAlone(top);
  const storage = top.section("storage");
  const drivers = storage.keys().filter((key) => !BESIDE.includes(key));
  const [driver = ""] = drivers;
  if (drivers.length === 0) top.fault("storage", "names no driver; only filesystem is supported");
  else if (drivers.length > 1) {
    top.fault("storage", `names several drivers (${drivers.join(", ")}); only one can be meant`);
  } else if (driver !== "filesystem") refuseDriver(storage, driver);
  for (const other of drivers.filter((key) => key !== "filesystem")) storage.needless(other);

  const filesystem = storage.section("filesystem");
  // Caching, and how many threads work, is our own business; the driver never redirects.
  filesystem.needless("maxthreads");
  storage.needless("cache", "redirect", "tag");
  const maintenance = storage.section("maintenance");
  translatePurging(maintenance.section("uploadpurging"));
  return {
    data: filesystem.text("rootdirectory") ?? ROOT,
    delete: storage.section("delete").flag("enabled") ?? false,
    readOnly: maintenance.section("readonly").flag("enabled") ?? false,
  };
}

/** `storage: filesystem` is short for a map with this one key. */
function driverAlone(top: Section): Readonly<Record<string, unknown>> {
  const driver = top.text("storage") ?? "";
  if (driver !== "filesystem") refuseDriver(top, "storage", driver);
  return { data: ROOT, delete: false, readOnly: false };
}

function refuseDriver(section: Section, key: string, driver = key): void {
  section.fault(
    key,
    `the storage driver ${driver} is not supported; images would be kept elsewhere than you expect`,
  );
}

/** Unfinished uploads are removed after a week here too, which is distribution's default. */
function translatePurging(purging: Section): void {
  const { enabled, age, dryrun } = {
    enabled: purging.flag("enabled") ?? true,
    age: purging.text("age") ?? "168h",
    dryrun: purging.flag("dryrun") ?? false,
  };
  purging.needless("interval");
  const other = [
    ...(enabled ? [] : ["enabled"]),
    ...(age === "168h" ? [] : ["age"]),
    ...(dryrun ? ["dryrun"] : []),
  ];
  purging.findings.unused.push(...other.map((key) => purging.at(key)));
}
