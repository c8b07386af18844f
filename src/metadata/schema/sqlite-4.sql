-- Version 4: what retention goes by (retention-records.ts).

-- The last pull, amortised; null: none that is known of. Apart from seen_at, which every answer renews.
ALTER TABLE manifests ADD COLUMN pulled_at INTEGER;
-- Of a manifest: it comes back with it.
ALTER TABLE trash ADD COLUMN pulled_at INTEGER;
-- When an image was built, as its config says, whose row this is; -1: it does not say; null: nobody has looked.
ALTER TABLE blobs ADD COLUMN built_at INTEGER;
