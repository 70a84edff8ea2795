-- What an empty Redis is rebuilt from lies in history, in rows of their own: the content of containers and the memory of
-- alerts (content), the reference data a partition applied (entity), and where a partition stood (checkpoint). The last two
-- belong to no item, and so to no lot.
ALTER TABLE history COMMENT COLUMN IF EXISTS row_type 'op, fact, reference, clock: a step of the item; content, entity, checkpoint: what a rebuild needs beside';

ALTER TABLE history COMMENT COLUMN IF EXISTS item 'canonical key: 01 GTIN-14 21 serial, or 00 SSCC; empty of entity and checkpoint';

ALTER TABLE history COMMENT COLUMN IF EXISTS fact 'msgpack of the fact; of content: the name of the entry';

ALTER TABLE history COMMENT COLUMN IF EXISTS state 'the packed item after it; of content: the entry, in pieces if it is long, empty if it is gone; of entity: its JSON; of checkpoint: msgpack';

DROP VIEW IF EXISTS items_from_history;

CREATE MATERIALIZED VIEW IF NOT EXISTS items_from_history TO items AS
SELECT if(startsWith(item, '01'), substring(item, 3, 14), '') AS gtin, lot, item, expiry, life, reason, parent, custody, place,
       destination, offset, bitShiftLeft(toUInt64(offset), 20) + position AS version
FROM history
WHERE item != '';
