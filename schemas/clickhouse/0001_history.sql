-- One row per op, fact, reference change or deadline that touched an item, with the item's state after it.
-- Item first: the life of one item is one read. No PARTITION BY: one insert is one part, there whole or not at all.
-- Columns: packtrace.codec.history.COLUMNS, in its order; a test compares.
CREATE TABLE IF NOT EXISTS history
(
    item            String                          COMMENT 'canonical key: 01 GTIN-14 21 serial, or 00 SSCC' CODEC(ZSTD(1)),
    row_type        LowCardinality(String)          COMMENT 'op, fact, reference, clock',
    event_time      DateTime64(6, 'UTC')            COMMENT 'when it happened, says the source' CODEC(Delta, ZSTD(1)),
    log_time        DateTime64(6, 'UTC')            COMMENT 'when the log took the event' CODEC(Delta, ZSTD(1)),
    event_id        String                          COMMENT 'of the event behind it' CODEC(ZSTD(1)),
    event_partition Int32                           COMMENT 'the raw event: partition of events; -1 where none is behind it',
    event_offset    Int64                           COMMENT 'the raw event: offset in it' CODEC(Delta, ZSTD(1)),
    kind            LowCardinality(String)          COMMENT 'what the event is for packtrace, e.g. commission',
    role            LowCardinality(String)          COMMENT 'how it names the item: item, parent, child, input, output',
    outcome         LowCardinality(String)          COMMENT 'applied, repeat, resent, double_scan, conflict, late, refused, corrected',
    life            LowCardinality(String)          COMMENT 'after it: NONE, ACTIVE, INACTIVE',
    reason          LowCardinality(String)          COMMENT 'after it: why INACTIVE',
    parent          String                          COMMENT 'after it: key of the container it is in' CODEC(ZSTD(1)),
    custody         LowCardinality(String)          COMMENT 'after it: unknown, at, in_transit; of a root',
    place           LowCardinality(String)          COMMENT 'after it: GLN where it is, in transit where it left',
    destination     LowCardinality(String)          COMMENT 'after it: GLN where it goes',
    lot             LowCardinality(String)          COMMENT 'after it',
    expiry          UInt32                          COMMENT 'after it: YYYYMMDD, day 00 kept; 0 = unknown',
    other           String                          COMMENT 'of an op: stated parent or first child; of a fact: the item that told it' CODEC(ZSTD(1)),
    fact_type       LowCardinality(String)          COMMENT 'joined, left, content, sighting, answer, emptied; else empty',
    fact_version    UInt32                          COMMENT 'a newer version of a fact replaces the older',
    fact_retracted  UInt8                           COMMENT '1: the fact no longer holds',
    fact            String                          COMMENT 'msgpack of the fact' CODEC(ZSTD(1)),
    state           String                          COMMENT 'the packed item after it' CODEC(ZSTD(1)),
    partition       UInt16                          COMMENT 'lineage: partition of ops',
    offset          Int64                           COMMENT 'lineage: offset in it' CODEC(Delta, ZSTD(1)),
    position        UInt32                          COMMENT 'lineage: number of the row within that record',

    INDEX lineage_range offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (item, partition, offset, position)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Every step of every item; lineage = (partition, offset, position)';
