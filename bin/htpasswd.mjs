#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
launch([main, "htpasswd", ...process.argv.slice(2)]);
