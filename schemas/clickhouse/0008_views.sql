-- For analysts: what is asked most, with plain names.
CREATE OR REPLACE VIEW unit_life
(
    item String, event_time DateTime64(6, 'UTC'), log_time DateTime64(6, 'UTC'), kind String, outcome String, life String, reason String,
    parent String, custody String, place String, lot String, event_id String, minutes_late Float64
)
AS SELECT item, event_time, log_time, kind, outcome, life, reason, parent, custody, place, lot, event_id,
          (toUnixTimestamp64Micro(log_time) - toUnixTimestamp64Micro(event_time)) / 60e6 AS minutes_late
FROM history
WHERE row_type = 'op'
COMMENT 'The life of items, one row per event that named them; filter by item';

CREATE OR REPLACE VIEW lot_summary
(
    gtin String, lot String, life String, reason String, units UInt64
)
AS SELECT gtin, lot, life, reason, count() AS units
FROM items_now
WHERE lot != '' AND gtin != ''
GROUP BY gtin, lot, life, reason
COMMENT 'Units of each lot by what became of them';

CREATE OR REPLACE VIEW alerts_standing
(
    id String, rule String, status String, severity String, item String, event_time DateTime64(6, 'UTC'), raised_at DateTime64(6, 'UTC'),
    changed_at DateTime64(6, 'UTC'), expected String, found String, explained_by String, place String, device String, gtin String, lot String
)
AS SELECT id, rule, status, severity, item, event_time, raised_at, changed_at, expected, found, explained_by, place, device, gtin, lot
FROM alerts_latest
WHERE status != 'withdrawn'
COMMENT 'Alerts that are provisional or confirmed';

CREATE OR REPLACE VIEW alerts_by_rule
(
    rule String, status String, severity String, alerts UInt64, first_raised DateTime64(6, 'UTC'), last_changed DateTime64(6, 'UTC')
)
AS SELECT rule, status, severity, count() AS alerts, min(raised_at) AS first_raised, max(changed_at) AS last_changed
FROM alerts_latest
GROUP BY rule, status, severity
COMMENT 'Alerts counted by rule, status and severity';

CREATE OR REPLACE VIEW events_per_minute
(
    minute DateTime('UTC'), line String, biz_step String, events UInt64, items UInt64
)
AS SELECT toStartOfMinute(event_time) AS minute, line, biz_step, count() AS events, sum(items) AS items
FROM events
GROUP BY minute, line, biz_step
COMMENT 'What each line did, minute by minute';

CREATE OR REPLACE VIEW rejected_by_reason
(
    reason String, source String, inputs UInt64, last DateTime64(6, 'UTC')
)
AS SELECT reason, source, count() AS inputs, max(log_time) AS last
FROM rejected FINAL
GROUP BY reason, source
COMMENT 'What could not be read, counted by reason and source';
