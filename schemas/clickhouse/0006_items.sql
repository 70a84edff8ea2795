-- Every item as its newest history row left it, by key and by lot; filled from history as it is inserted. One row per item
-- after merging: read with FINAL. A lot that was corrected leaves its row under the old lot; whoever asks by lot compares.
CREATE TABLE IF NOT EXISTS items
(
    item        String                      COMMENT 'canonical key' CODEC(ZSTD(1)),
    gtin        LowCardinality(String)      COMMENT 'GTIN-14; empty of an SSCC',
    lot         LowCardinality(String)      COMMENT 'its lot',
    expiry      UInt32                      COMMENT 'YYYYMMDD, day 00 kept; 0 = unknown',
    life        LowCardinality(String)      COMMENT 'NONE, ACTIVE, INACTIVE',
    reason      LowCardinality(String)      COMMENT 'why INACTIVE',
    parent      String                      COMMENT 'key of the container it is in' CODEC(ZSTD(1)),
    custody     LowCardinality(String)      COMMENT 'unknown, at, in_transit; the root of a hierarchy speaks for what is inside',
    place       LowCardinality(String)      COMMENT 'GLN where it is, in transit where it left',
    destination LowCardinality(String)      COMMENT 'GLN where it goes',
    log_time    DateTime64(6, 'UTC')        COMMENT 'of the newest row' CODEC(Delta, ZSTD(1)),
    partition   UInt16                      COMMENT 'lineage of the newest row: partition of ops',
    offset      Int64                       COMMENT 'lineage: offset in it' CODEC(Delta, ZSTD(1)),
    position    UInt32                      COMMENT 'lineage: number of the row within that record',
    version     UInt64                      COMMENT 'lineage as one number: offset * 2^20 + position' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY item
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Every item as it is now; read with FINAL';

CREATE TABLE IF NOT EXISTS lot_items
(
    gtin        LowCardinality(String)      COMMENT 'GTIN-14',
    lot         LowCardinality(String)      COMMENT 'its lot',
    item        String                      COMMENT 'canonical key' CODEC(ZSTD(1)),
    expiry      UInt32                      COMMENT 'YYYYMMDD, day 00 kept; 0 = unknown',
    life        LowCardinality(String)      COMMENT 'NONE, ACTIVE, INACTIVE',
    reason      LowCardinality(String)      COMMENT 'why INACTIVE',
    parent      String                      COMMENT 'key of the container it is in' CODEC(ZSTD(1)),
    custody     LowCardinality(String)      COMMENT 'its own: of a packed unit the root counts',
    place       LowCardinality(String)      COMMENT 'GLN where it is, in transit where it left',
    destination LowCardinality(String)      COMMENT 'GLN where it goes',
    offset      Int64                       COMMENT 'lineage of the newest row: offset' CODEC(Delta, ZSTD(1)),
    version     UInt64                      COMMENT 'lineage as one number: offset * 2^20 + position' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (gtin, lot, item)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The units of a lot, side by side, for recalls; read with FINAL';

CREATE MATERIALIZED VIEW IF NOT EXISTS items_from_history TO items AS
SELECT item, if(startsWith(item, '01'), substring(item, 3, 14), '') AS gtin, lot, expiry, life, reason, parent, custody, place,
       destination, log_time, partition, offset, position, bitShiftLeft(toUInt64(offset), 20) + position AS version
FROM history;

CREATE MATERIALIZED VIEW IF NOT EXISTS lot_items_from_history TO lot_items AS
SELECT substring(item, 3, 14) AS gtin, lot, item, expiry, life, reason, parent, custody, place, destination, offset,
       bitShiftLeft(toUInt64(offset), 20) + position AS version
FROM history
WHERE lot != '' AND startsWith(item, '01');
