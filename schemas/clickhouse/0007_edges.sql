-- Who was in what, when: what containers were told by what joined and left them directly. These rows lie side by side in
-- history, which is in item order, so this is a view and not one more table to fill. A newer row of one (parent, child,
-- event, action) replaces an older one; one that was retracted, or whose pack was not applied, does not hold.
-- A fact ends in its payload: empty (bin of 0 bytes) says applied, or direct; [false, nil] says not applied.
CREATE OR REPLACE VIEW edges
(
    parent String, child String, event_time DateTime64(6, 'UTC'), event_id String, kind String, action String, holds UInt8,
    partition UInt16, offset Int64, position UInt32
)
AS SELECT item AS parent, other AS child, event_time, event_id, kind, fact_type AS action,
          toUInt8(fact_retracted = 0 AND NOT endsWith(fact, unhex('C40392C2C0'))) AS holds, partition, offset, position
FROM history
WHERE row_type = 'fact' AND (fact_type = 'joined' OR (fact_type = 'left' AND (fact_retracted = 1 OR endsWith(fact, unhex('C400')))))
COMMENT 'Joining and leaving of containers, every version: parent, child, when, and whether it holds';
