-- What the events say beyond their columns, so that one transaction, class, party, place or reading is found without reading
-- every event: a row per thing said, in the spelling it came in. Items that packtrace follows are not here: history has them.
-- Filled from events as they are inserted; those stored before this migration are found by their columns and items alone.
CREATE TABLE IF NOT EXISTS event_terms
(
    name      LowCardinality(String)   COMMENT 'what is said: transaction, source, class, epc, error_reason, ilmd ...; with its kind after a colon',
    value     String                   COMMENT 'as it came: URN, Digital Link, word, number' CODEC(ZSTD(1)),
    partition UInt16                   COMMENT 'of the topic events',
    offset    Int64                    COMMENT 'in that partition' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (name, value, partition, offset)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Inverted index of what events say; lineage = (partition, offset) of the topic events';

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
    FROM events
    WHERE multiSearchAny(event, ['"epcis":{', '"transactions":[', '"lots":[', '"correction":{', '"source_party":', '"source_place":',
                                 '"destination_party":', '"destination_place":'])
)
ARRAY JOIN terms AS term
WHERE name LIKE 'ilmd:%' OR name LIKE 'field:%' OR name = 'error_reason' OR value != '';
