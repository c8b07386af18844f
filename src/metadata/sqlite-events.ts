import type { Database } from "bun:sqlite";
import { type EventCursor, type EventRecord, type Happening, type Who, rankOf } from "./event.ts";
import type { MetadataReads } from "./metadata.ts";

/** What a change says of itself; the rest is filled in. */
type Facts = Pick<Happening, "action" | "kind" | "name"> & Partial<Happening>;

const NO_FACTS = { digest: null, mediaType: null, size: null, tag: null, from: null } as const;

/** Ranks, in the order in which events are given up. */
const RANKS = [0, 1, 2];

/** When there are too many, so many more than needed go, as part of the limit: not one by one. */
const SLACK = 0.1;

/** The writing half, each as part of a transaction that is open. */
export function sqliteEventWrites(db: Database) {
  const add = db.query(
    `INSERT INTO events (rank, event)
     SELECT $rank, $event WHERE EXISTS (SELECT 1 FROM event_cursors)`,
  );
  const newest = newestEvent(db);
  const cursors = allCursors(db);
  const addCursor = db.query("INSERT OR IGNORE INTO event_cursors VALUES ($endpoint, $eventId)");
  const removeCursor = db.query("DELETE FROM event_cursors WHERE endpoint = $endpoint");
  const moveCursor = db.query(
    "UPDATE event_cursors SET event_id = max(event_id, $eventId) WHERE endpoint = $endpoint",
  );
  const retire = db.query(
    `DELETE FROM events
      WHERE id <= coalesce((SELECT min(event_id) FROM event_cursors), 9223372036854775807)`,
  );
  const count = db.query<{ count: number }, []>("SELECT count(*) AS count FROM events");
  const drop = db.query(
    `DELETE FROM events WHERE id IN
      (SELECT id FROM events WHERE rank = $rank ORDER BY id LIMIT $limit)`,
  );

  return {
    /** Nothing where nobody is to be named, wants to hear, or listens. */
    record: (by: Who | null | undefined, facts: Facts): void => {
      if (!by || by.unheard) return;
      const event: Happening = { ...NO_FACTS, at: by.at, ...facts, by };
      add.run({ rank: rankOf(event), event: JSON.stringify(event) });
    },

    setListeners(endpoints: readonly string[]): EventCursor[] {
      for (const { endpoint } of cursors.all()) {
        if (!endpoints.includes(endpoint)) removeCursor.run({ endpoint });
      }
      const eventId = newest();
      for (const endpoint of endpoints) addCursor.run({ endpoint, eventId });
      retire.run();
      return cursors.all();
    },

    advanceCursors(moved: readonly EventCursor[]): void {
      for (const cursor of moved) moveCursor.run({ ...cursor });
      retire.run();
    },

    trimEvents(limit: number): number {
      const held = count.get()?.count ?? 0;
      if (held <= limit) return 0;
      const tooMany = held - limit + Math.floor(limit * SLACK);
      let left = tooMany;
      for (const rank of RANKS) left -= drop.run({ rank, limit: left }).changes;
      return tooMany - left;
    },
  };
}

export function sqliteEventReads(
  db: Database,
): Pick<MetadataReads, "readEvents" | "newestEvent" | "listCursors"> {
  const events = db.query<{ id: number; event: string }, { after: number; limit: number }>(
    "SELECT id, event FROM events WHERE id > $after ORDER BY id LIMIT $limit",
  );
  const newest = newestEvent(db);
  const cursors = allCursors(db);
  return {
    async readEvents(after, limit): Promise<EventRecord[]> {
      const rows = events.all({ after, limit });
      return rows.map(({ id, event }) => ({ id, event: JSON.parse(event) as Happening }));
    },
    async newestEvent() {
      return newest();
    },
    async listCursors() {
      return cursors.all();
    },
  };
}

/** Also of events that are gone: it is where a new endpoint begins. */
function newestEvent(db: Database): () => number {
  const query = db.query<{ seq: number }, []>(
    "SELECT seq FROM sqlite_sequence WHERE name = 'events'",
  );
  return () => query.get()?.seq ?? 0;
}

function allCursors(db: Database) {
  return db.query<EventCursor, []>(
    "SELECT endpoint, event_id AS eventId FROM event_cursors ORDER BY endpoint",
  );
}
