-- Who was in what, when: what containers were told by what joined and left them directly. A newer row of one (parent,
-- child, event, action) replaces an older one; one that was retracted, or whose pack was not applied, does not hold.
-- Not applied: the fact ends in its payload, the msgpack bin of [false, nil].
CREATE TABLE IF NOT EXISTS edges
(
    parent     String                       COMMENT 'key of the container' CODEC(ZSTD(1)),
    child      String                       COMMENT 'key of what joined or left it' CODEC(ZSTD(1)),
    event_time DateTime64(6, 'UTC')         COMMENT 'when' CODEC(Delta, ZSTD(1)),
    event_id   String                       COMMENT 'of the event it follows from' CODEC(ZSTD(1)),
    kind       LowCardinality(String)       COMMENT 'of that event',
    action     LowCardinality(String)       COMMENT 'joined, left',
    holds      UInt8                        COMMENT '0: retracted, or not applied',
    partition  UInt16                       COMMENT 'lineage: partition of ops',
    offset     Int64                        COMMENT 'lineage: offset in it' CODEC(Delta, ZSTD(1)),
    position   UInt32                       COMMENT 'lineage: number of the row within that record'
)
ENGINE = ReplacingMergeTree
ORDER BY (parent, child, event_time, event_id, action, offset, position)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Joining and leaving of containers, every version; lineage = (partition, offset, position)';

CREATE MATERIALIZED VIEW IF NOT EXISTS edges_from_history TO edges AS
SELECT item AS parent, other AS child, event_time, event_id, kind, fact_type AS action,
       toUInt8(fact_retracted = 0 AND NOT endsWith(fact, unhex('C40392C2C0'))) AS holds, partition, offset, position
FROM history
WHERE row_type = 'fact' AND (fact_type = 'joined' OR (fact_type = 'left' AND (fact_retracted = 1 OR endsWith(fact, unhex('C400')))));
