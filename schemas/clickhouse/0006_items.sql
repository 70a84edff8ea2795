-- Every item as its newest history row left it, the units of a lot side by side; filled from history as it is inserted.
-- An item whose lot became known, or was corrected, keeps its older row under the older lot: the view items_now leaves
-- those out, and who asks for one lot compares versions.
CREATE TABLE IF NOT EXISTS items
(
    gtin        LowCardinality(String)      COMMENT 'GTIN-14; empty of an SSCC',
    lot         LowCardinality(String)      COMMENT 'its lot; empty while unknown',
    item        String                      COMMENT 'canonical key' CODEC(ZSTD(1)),
    expiry      UInt32                      COMMENT 'YYYYMMDD, day 00 kept; 0 = unknown',
    life        LowCardinality(String)      COMMENT 'NONE, ACTIVE, INACTIVE',
    reason      LowCardinality(String)      COMMENT 'why INACTIVE',
    parent      String                      COMMENT 'key of the container it is in' CODEC(ZSTD(1)),
    custody     LowCardinality(String)      COMMENT 'its own: unknown, at, in_transit; of what is inside a container the root counts',
    place       LowCardinality(String)      COMMENT 'GLN where it is, in transit where it left',
    destination LowCardinality(String)      COMMENT 'GLN where it goes',
    offset      Int64                       COMMENT 'lineage of the newest row: offset in ops' CODEC(Delta, ZSTD(1)),
    version     UInt64                      COMMENT 'lineage as one number: offset * 2^20 + position' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (gtin, lot, item)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Items by lot as they are now, for recalls; see the view items_now';

CREATE MATERIALIZED VIEW IF NOT EXISTS items_from_history TO items AS
SELECT if(startsWith(item, '01'), substring(item, 3, 14), '') AS gtin, lot, item, expiry, life, reason, parent, custody, place,
       destination, offset, bitShiftLeft(toUInt64(offset), 20) + position AS version
FROM history;

CREATE OR REPLACE VIEW items_now
(
    item String, gtin String, lot String, expiry UInt32, life String, reason String, parent String, custody String, place String,
    destination String
)
AS SELECT item, any(items.gtin) AS gtin, argMax(items.lot, version) AS lot, argMax(items.expiry, version) AS expiry,
          argMax(items.life, version) AS life, argMax(items.reason, version) AS reason, argMax(items.parent, version) AS parent,
          argMax(items.custody, version) AS custody, argMax(items.place, version) AS place,
          argMax(items.destination, version) AS destination
FROM items
GROUP BY item
COMMENT 'Every item as it is now';
