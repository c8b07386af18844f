import type { Metadata, MetadataWrites } from "../metadata/metadata.ts";
import type { Storage } from "../storage/storage.ts";
import type { Room } from "./room.ts";
import type { WriteStop } from "./write-stop.ts";

/**
 * A storage that takes no bytes while there is little room (STORAGE_FULL), and none at all after a
 * failed sync (WRITES_STOPPED). Bytes can always be removed.
 */
export function guardedStorage(storage: Storage, stop: WriteStop, room: Room): Storage {
  return {
    ...storage,
    write: (objects) => stop.watch(() => storage.write(objects)),
    move: (from, to) => stop.watch(() => storage.move(from, to)),
    moveAll: (moves) => stop.watch(() => storage.moveAll(moves)),
    async append(path, offset) {
      const writer = await stop.watch(() => storage.append(path, offset));
      return {
        write(chunk) {
          room.check();
          // Before the write, whose failure nobody would hear of any more.
          stop.check();
          const waiting = writer.write(chunk);
          return waiting && stop.watch(() => waiting);
        },
        sync: () => stop.watch(() => writer.sync()),
        // Always, also when no change is taken any more; the bytes that it hands over may be refused.
        close: () => stop.listen(() => writer.close()),
      };
    },
  };
}

/** The same for the metadata: what adds needs room, what removes may use the reserve. */
export function guardedMetadata(metadata: Metadata, stop: WriteStop, room: Room): Metadata {
  const adding = async <T>(work: () => Promise<T>): Promise<T> =>
    await stop.watch(async () => {
      room.check();
      return await work();
    });
  const removing = <T>(work: () => Promise<T>): Promise<T> => stop.watch(() => room.freeing(work));
  // All of them: the compiler misses one that is left out.
  const writes: MetadataWrites = {
    linkBlob: (...of) => adding(() => metadata.linkBlob(...of)),
    mountBlob: (...of) => adding(() => metadata.mountBlob(...of)),
    putManifest: (...of) => adding(() => metadata.putManifest(...of)),
    saveUpload: (upload) => adding(() => metadata.saveUpload(upload)),
    unlinkBlob: (...of) => removing(() => metadata.unlinkBlob(...of)),
    removeTag: (...of) => removing(() => metadata.removeTag(...of)),
    removeManifest: (...of) => removing(() => metadata.removeManifest(...of)),
    removeUpload: (id) => removing(() => metadata.removeUpload(id)),
    retireJournal: (...of) => removing(() => metadata.retireJournal(...of)),
    // What the tree has beside the tables says where the room went: it is recorded while there is any.
    replaceRepository: (snapshot) => stop.watch(() => metadata.replaceRepository(snapshot)),
    advanceCursors: (...of) => removing(() => metadata.advanceCursors(...of)),
    trimEvents: (...of) => removing(() => metadata.trimEvents(...of)),
    // To renew a promise needs next to no room, and must not fail where a pull does not.
    see: (seen) => removing(() => metadata.see(seen)),
    review: (items) => removing(() => metadata.review(items)),
    reviewRepository: (name) => removing(() => metadata.reviewRepository(name)),
    collect: (...of) => removing(() => metadata.collect(...of)),
    clear: (...of) => removing(() => metadata.clear(...of)),
    doom: (...of) => removing(() => metadata.doom(...of)),
    claim: (...of) => removing(() => metadata.claim(...of)),
    settle: (claims) => removing(() => metadata.settle(claims)),
    removeTrash: (ids) => removing(() => metadata.removeTrash(ids)),
    addTrash: (records) => removing(() => metadata.addTrash(records)),
    passTrash: (id) => removing(() => metadata.passTrash(id)),
    startRun: (at) => removing(() => metadata.startRun(at)),
    endRun: (...of) => removing(() => metadata.endRun(...of)),
    // As renewing a promise.
    recordPulls: (pulls) => removing(() => metadata.recordPulls(pulls)),
    recordBuilt: (configs) => adding(() => metadata.recordBuilt(configs)),
    setSetting: (...of) => stop.watch(() => metadata.setSetting(...of)),
    setListeners: (...of) => stop.watch(() => metadata.setListeners(...of)),
  };
  return { ...metadata, ...writes };
}
