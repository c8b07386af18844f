#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";

launch([
  fileURLToPath(new URL("../src/main.ts", import.meta.url)),
  "registry",
  ...process.argv.slice(2),
]);
