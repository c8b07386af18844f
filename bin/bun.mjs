#!/usr/bin/env node
// The package's scripts run through this, so that they work where install scripts did not run.
import { launch } from "./launch.mjs";

launch(process.argv.slice(2));
