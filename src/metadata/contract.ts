import { afterEach, beforeEach, describe } from "bun:test";
import { blobs } from "./contract/blobs.ts";
import { collectionBlobs } from "./contract/collection-blobs.ts";
import { collectionJudge } from "./contract/collection-judge.ts";
import { collectionModel } from "./contract/collection-model.ts";
import { collectionQueue } from "./contract/collection-queue.ts";
import { collectionSee } from "./contract/collection-see.ts";
import { collectionTrash } from "./contract/collection-trash.ts";
import { changes } from "./contract/changes.ts";
import { events } from "./contract/events.ts";
import {
  APP,
  type Given,
  OTHER,
  blobOf,
  everything,
  journalOf,
  pushOf,
} from "./contract/fixtures.ts";
import { listings } from "./contract/listings.ts";
import { manifests } from "./contract/manifests.ts";
import { records } from "./contract/records.ts";
import { retention } from "./contract/retention.ts";
import { unreadable } from "./contract/unreadable.ts";
import type { Metadata } from "./metadata.ts";

/** Where metadata are kept for one test; nothing is in it at first. */
export interface Place extends AsyncDisposable {
  /** Opens it; after a close, again, with all that was kept. */
  open(): Promise<Metadata>;
}

/** The one suite for `Metadata`: every sentence of its interface, for any implementation of it. */
export function metadataContract(name: string, newPlace: () => Promise<Place>): void {
  describe(`metadata contract: ${name}`, () => {
    let place: Place;
    const given = {
      open: async () => await place.open(),
      link: async (word, to = APP) => await given.metadata.linkBlob(to, blobOf(word), 1000, null),
      push: async (word, options = {}, to = APP) =>
        (await given.metadata.putManifest(pushOf(to, word, options))).missing,
      shown: async () => await everything(given.metadata, [APP, OTHER]),
      journal: async () => await journalOf(given.metadata),
    } as Given;

    beforeEach(async () => {
      place = await newPlace();
      given.metadata = await place.open();
    });
    afterEach(async () => {
      await given.metadata.close();
      await place[Symbol.asyncDispose]();
    });

    blobs(given);
    manifests(given);
    listings(given);
    records(given);
    changes(given);
    events(given);
    collectionQueue(given);
    collectionJudge(given);
    collectionModel(given);
    collectionBlobs(given);
    collectionTrash(given);
    collectionSee(given);
    unreadable(given);
    retention(given);
  });
}
