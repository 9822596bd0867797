// librdkafka, and what Swift cannot call of it.
#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// rd_kafka_producev is variadic. Headers go in as an own list (RD_KAFKA_V_HEADERS): on an error it is still ours, while
// single headers (RD_KAFKA_V_HEADER) are freed twice in 2.0.2 when the partition does not exist (librdkafka #4628).
// Key and value are copied. A null pointer with `has_…` set is an empty one; without it there is none (a tombstone).
static inline rd_kafka_resp_err_t cna_produce(
    rd_kafka_t *handle, rd_kafka_topic_t *topic, int32_t partition,
    int has_key, const void *key, size_t key_size,
    int has_value, const void *value, size_t value_size,
    rd_kafka_headers_t *headers) {
  void *key_bytes = has_key ? (void *)(key ? key : "") : NULL;
  void *value_bytes = has_value ? (void *)(value ? value : "") : NULL;
  if (!headers)
    return rd_kafka_producev(
        handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(key_bytes, key_size), RD_KAFKA_V_VALUE(value_bytes, value_size), RD_KAFKA_V_END);
  return rd_kafka_producev(
      handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY(key_bytes, key_size), RD_KAFKA_V_VALUE(value_bytes, value_size), RD_KAFKA_V_HEADERS(headers),
      RD_KAFKA_V_END);
}
