-- Alerts with one cause, as the service watch groups them. Every change is a version; read it with FINAL.
CREATE TABLE IF NOT EXISTS incidents
(
    id            String                    COMMENT 'of the incident',
    version       UInt32                    COMMENT '1, 2, ... per id',
    cause         LowCardinality(String)    COMMENT 'lot-not-uploaded, scanner-fault, guessing, shipment, line-anomaly, single',
    subject       String                    COMMENT 'what the alerts share, e.g. GTIN/lot or device',
    status        LowCardinality(String)    COMMENT 'open, closed',
    severity      LowCardinality(String)    COMMENT 'low, medium, high, critical',
    alerts        UInt32                    COMMENT 'standing alerts',
    alerts_ever   UInt32                    COMMENT 'alerts it ever had',
    opened_at     DateTime64(6, 'UTC')      COMMENT 'log time',
    changed_at    DateTime64(6, 'UTC')      COMMENT 'log time',
    sample        Array(String)             COMMENT 'up to 20 alert ids',
    log_partition UInt16                    COMMENT 'lineage: partition of the topic incidents',
    log_offset    Int64                     COMMENT 'lineage: offset in it'
)
ENGINE = ReplacingMergeTree
ORDER BY (id, version)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Every change of an incident';

CREATE OR REPLACE VIEW incidents_latest
(
    id String, version UInt32, cause String, subject String, status String, severity String, alerts UInt32, alerts_ever UInt32,
    opened_at DateTime64(6, 'UTC'), changed_at DateTime64(6, 'UTC'), sample Array(String)
)
AS SELECT id, version, cause, subject, status, severity, alerts, alerts_ever, opened_at, changed_at, sample
FROM incidents
ORDER BY id, version DESC
LIMIT 1 BY id
COMMENT 'Every incident as it stands: its newest version';
