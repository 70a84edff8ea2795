-- What could not be read, with its original bytes. Key: where it came from, so a repeat replaces itself; read it with FINAL.
CREATE TABLE IF NOT EXISTS rejected
(
    topic         LowCardinality(String)    COMMENT 'where it came from; http for the gateway',
    partition     Int32                     COMMENT 'of that topic',
    offset        Int64                     COMMENT 'in that partition; for http a number made from capture and position',
    log_time      DateTime64(6, 'UTC')      COMMENT 'of the original',
    reason        LowCardinality(String)    COMMENT 'reason code',
    place         String                    COMMENT 'where in the record, e.g. epcs[3]',
    text          String                    COMMENT 'expected and found, one sentence',
    source        String                    COMMENT 'line or party, where it could be read',
    event_id      String                    COMMENT 'where it could be read',
    has_key       UInt8                     COMMENT '0: the original had no key',
    key           String                    COMMENT 'original bytes' CODEC(ZSTD(1)),
    has_value     UInt8                     COMMENT '0: the original was a tombstone',
    value         String                    COMMENT 'original bytes' CODEC(ZSTD(3)),
    log_partition UInt16                    COMMENT 'lineage: partition of the topic rejected',
    log_offset    Int64                     COMMENT 'lineage: offset in it'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Input that could not be read, and why; its original bytes';
