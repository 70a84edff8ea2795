-- Every change of every alert. Nothing is ever deleted: a withdrawn alert is a newer version.
CREATE TABLE IF NOT EXISTS alerts
(
    id           String                     COMMENT 'hash of rule, item and cause, 32 hexadecimal digits',
    version      UInt32                     COMMENT '1, 2, ... per id',
    rule         LowCardinality(String)     COMMENT 'code of the rule',
    rule_version UInt16                     COMMENT 'of the rule',
    status       LowCardinality(String)     COMMENT 'provisional, confirmed, withdrawn',
    severity     LowCardinality(String)     COMMENT 'low, medium, high, critical',
    item         String                     COMMENT 'canonical key of the item',
    cause        String                     COMMENT 'item, or kind@event time@premises of the offending event',
    event_time   DateTime64(6, 'UTC')       COMMENT 'of the offending event',
    raised_at    DateTime64(6, 'UTC')       COMMENT 'log time it was first raised',
    changed_at   DateTime64(6, 'UTC')       COMMENT 'log time of this change',
    events       Array(String)              COMMENT 'event ids: the offending one first, then those that made the state it breaks',
    expected     String                     COMMENT 'in words',
    found        String                     COMMENT 'in words',
    explained_by String                     COMMENT 'what would explain it; of a withdrawn one: what did',
    detail       String                     COMMENT 'JSON object of texts',
    place        LowCardinality(String)     COMMENT 'GLN of the offending event',
    device       LowCardinality(String)     COMMENT 'device of the offending event',
    gtin         LowCardinality(String)     COMMENT 'of the item',
    lot          LowCardinality(String)     COMMENT 'of the item',
    tenant       LowCardinality(String)     COMMENT 'whose product it is',
    partition    UInt16                     COMMENT 'lineage: partition of ops',
    offset       Int64                      COMMENT 'lineage: offset in it',
    position     UInt32                     COMMENT 'lineage: number of this change within that record',

    INDEX item_bloom item TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX changed_range changed_at TYPE minmax GRANULARITY 1,
    INDEX lineage_range offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (id, version, partition, offset, position)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Every change of an alert; lineage = (partition, offset, position)';

CREATE OR REPLACE VIEW alerts_latest
(
    id String, version UInt32, rule String, rule_version UInt16, status String, severity String, item String, cause String,
    event_time DateTime64(6, 'UTC'), raised_at DateTime64(6, 'UTC'), changed_at DateTime64(6, 'UTC'), events Array(String),
    expected String, found String, explained_by String, detail String, place String, device String, gtin String, lot String, tenant String
)
AS SELECT id, version, rule, rule_version, status, severity, item, cause, event_time, raised_at, changed_at, events,
          expected, found, explained_by, detail, place, device, gtin, lot, tenant
FROM alerts
ORDER BY id, version DESC
LIMIT 1 BY id
COMMENT 'Every alert as it stands: its newest version';
