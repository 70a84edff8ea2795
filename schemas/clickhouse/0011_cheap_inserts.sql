-- What an insert costs whatever its size: the view that fills event_terms takes 40 ms to plan, for events that mostly say nothing of
-- the kind. Events that do enter by a table of their own, which keeps nothing and fills both; all others go straight into events.
-- Stop the sink before this one: what an older sink inserts afterwards is not in event_terms.
DROP VIEW IF EXISTS terms_from_events;

CREATE TABLE IF NOT EXISTS events_stated
(
    partition         UInt16                          COMMENT 'as in events',
    offset            Int64                           COMMENT 'as in events',
    log_time          DateTime64(6, 'UTC')            COMMENT 'as in events',
    event_time        DateTime64(6, 'UTC')            COMMENT 'as in events',
    id                String                          COMMENT 'as in events',
    type              LowCardinality(String)          COMMENT 'as in events',
    action            LowCardinality(String)          COMMENT 'as in events',
    biz_step          LowCardinality(String)          COMMENT 'as in events',
    disposition       LowCardinality(String)          COMMENT 'as in events',
    place             LowCardinality(String)          COMMENT 'as in events',
    read_point        LowCardinality(String)          COMMENT 'as in events',
    party             LowCardinality(String)          COMMENT 'as in events',
    source_party      LowCardinality(String)          COMMENT 'as in events',
    destination_party LowCardinality(String)          COMMENT 'as in events',
    line              LowCardinality(String)          COMMENT 'as in events',
    device            LowCardinality(String)          COMMENT 'as in events',
    operator          LowCardinality(String)          COMMENT 'as in events',
    lot               LowCardinality(String)          COMMENT 'as in events',
    expiry            UInt32                          COMMENT 'as in events',
    parent            String                          COMMENT 'as in events',
    items             UInt32                          COMMENT 'as in events',
    event             String                          COMMENT 'as in events'
)
ENGINE = Null
COMMENT 'Where events that state more than their columns hold are inserted: keeps nothing, fills events and event_terms';

CREATE MATERIALIZED VIEW IF NOT EXISTS events_from_stated TO events AS
SELECT * FROM events_stated;

CREATE MATERIALIZED VIEW IF NOT EXISTS terms_from_events TO event_terms AS
SELECT tupleElement(term, 1) AS name, tupleElement(term, 2) AS value, partition, offset
FROM
(
    SELECT partition, offset, parent, log_time,
           JSONExtract(event, 'Tuple(
               transactions Array(Tuple(type String, id String)), lots Array(String), source_party String, source_place String,
               destination_party String, destination_place String,
               correction Tuple(reason String, events Array(String), corrective Array(String)),
               epcis Tuple(event Tuple(
                   error Tuple(time String, reason String), epcs Array(String), parent String, children Array(String),
                   inputs Array(String), outputs Array(String),
                   quantities Array(Tuple(String, String, String)), child_quantities Array(Tuple(String, String, String)),
                   input_quantities Array(Tuple(String, String, String)), output_quantities Array(Tuple(String, String, String)),
                   transformation String, read_point Tuple(String), location Tuple(String),
                   transactions Array(Tuple(String, String)), sources Array(Tuple(String, String)), destinations Array(Tuple(String, String)),
                   sensors Array(Tuple(metadata Array(Tuple(String, String)), reports Array(Array(Tuple(String, String))))),
                   persistent_set Array(String), persistent_unset Array(String),
                   ilmd Array(Tuple(String, String)), extensions Array(Tuple(String, String))
               ))
           )') AS said,
           said.epcis.event AS came,
           position(event, '"epcis":{') > 0 AS is_epcis,
           position(event, '"correction":{') > 0 AS corrects,
           arrayConcat(
               if(is_epcis, [], arrayMap(x -> (concat('transaction:', x.1), x.2), said.transactions)),
               if(is_epcis, [], arrayMap(x -> ('class', x), said.lots)),
               if(is_epcis, [], [('source:owning_party', said.source_party), ('source:location', said.source_place),
                                 ('destination:owning_party', said.destination_party), ('destination:location', said.destination_place)]),
               if(corrects, [('error_reason', said.correction.reason),
                             ('error_time', if(came.error.time = '', toString(log_time), came.error.time))], []),
               arrayMap(x -> ('corrective', x), said.correction.corrective),
               arrayMap(x -> ('epc', x), came.epcs),
               arrayMap(x -> ('child', x), came.children),
               arrayMap(x -> ('input', x), came.inputs),
               arrayMap(x -> ('output', x), came.outputs),
               if(came.parent = '' OR parent != '', [], [('parent', came.parent)]),
               arrayMap(x -> ('class', x.1), came.quantities),
               arrayMap(x -> ('child_class', x.1), came.child_quantities),
               arrayMap(x -> ('input_class', x.1), came.input_quantities),
               arrayMap(x -> ('output_class', x.1), came.output_quantities),
               arrayMap(x -> ('quantity', x.2), arrayConcat(came.quantities, came.child_quantities)),
               [('transformation', came.transformation), ('read_point', came.read_point.1), ('location', came.location.1)],
               arrayMap(x -> (concat('transaction:', x.1), x.2), came.transactions),
               arrayMap(x -> (concat('source:', x.1), x.2), came.sources),
               arrayMap(x -> (concat('destination:', x.1), x.2), came.destinations),
               arrayMap(x -> (concat('sensor:', x.1), x.2),
                        arrayFlatten(arrayMap(x -> arrayConcat(x.metadata, arrayFlatten(x.reports)), came.sensors))),
               arrayMap(x -> ('persistent_set', x), came.persistent_set),
               arrayMap(x -> ('persistent_unset', x), came.persistent_unset),
               arrayMap(x -> (concat('ilmd:', x.1), x.2), came.ilmd),
               arrayMap(x -> (concat('field:', x.1), x.2), came.extensions)
           ) AS terms
    FROM events_stated
    WHERE multiSearchAny(event, ['"epcis":{', '"transactions":[', '"lots":[', '"correction":{', '"source_party":', '"source_place":',
                                 '"destination_party":', '"destination_place":'])
)
ARRAY JOIN terms AS term
WHERE name LIKE 'ilmd:%' OR name LIKE 'field:%' OR name = 'error_reason' OR value != '';

-- A row is rewritten by each merge it goes through: fewer and wider ones. ZSTD(1) makes the JSON smaller than ZSTD(3) here, and sooner.
ALTER TABLE events MODIFY COLUMN IF EXISTS event CODEC(ZSTD(1));

ALTER TABLE history MODIFY SETTING merge_selector_base = 10;

ALTER TABLE items MODIFY SETTING merge_selector_base = 10;

ALTER TABLE events MODIFY SETTING merge_selector_base = 10;

ALTER TABLE event_terms MODIFY SETTING merge_selector_base = 10;
