-- The raw event, once, as it was accepted. What was rejected is in the table rejected instead.
-- One insert is one part (no PARTITION BY): it is there whole or not at all.
CREATE TABLE IF NOT EXISTS events
(
    partition         UInt16                          COMMENT 'of the topic events',
    offset            Int64                           COMMENT 'in that partition' CODEC(Delta, ZSTD(1)),
    log_time          DateTime64(6, 'UTC')            COMMENT 'when the log took it' CODEC(Delta, ZSTD(1)),
    event_time        DateTime64(6, 'UTC')            COMMENT 'when it happened, says the source' CODEC(Delta, ZSTD(1)),
    id                String                          COMMENT 'event id of the source, else the CBV event hash' CODEC(ZSTD(1)),
    type              LowCardinality(String)          COMMENT 'object, aggregation, transaction, transformation, association',
    action            LowCardinality(String)          COMMENT 'ADD, OBSERVE, DELETE; empty where the type has none',
    biz_step          LowCardinality(String)          COMMENT 'CBV business step, bare word',
    disposition       LowCardinality(String)          COMMENT 'CBV disposition, bare word',
    place             LowCardinality(String)          COMMENT 'GLN, with extension after a slash',
    read_point        LowCardinality(String)          COMMENT 'GLN, with extension after a slash',
    party             LowCardinality(String)          COMMENT 'GLN',
    source_party      LowCardinality(String)          COMMENT 'GLN',
    destination_party LowCardinality(String)          COMMENT 'GLN',
    line              LowCardinality(String)          COMMENT 'the line that wrote it',
    device            LowCardinality(String)          COMMENT 'the device that saw it',
    operator          LowCardinality(String)          COMMENT 'who did it',
    lot               LowCardinality(String)          COMMENT 'as stated',
    expiry            UInt32                          COMMENT 'YYYYMMDD as stated, day 00 kept; 0 = not stated',
    parent            String                          COMMENT 'key of the stated parent' CODEC(ZSTD(1)),
    items             UInt32                          COMMENT 'items it names, so ops it becomes',
    event             String                          COMMENT 'the whole event as canonical JSON' CODEC(ZSTD(3)),

    INDEX id_bloom id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX event_time_range event_time TYPE minmax GRANULARITY 4
)
ENGINE = ReplacingMergeTree
ORDER BY (partition, offset)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Every accepted event once, as it came; lineage = (partition, offset) of the topic events';
