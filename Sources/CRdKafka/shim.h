// librdkafka, and what Swift cannot call of it.
#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <string.h>

// The headers of a record in one piece: for each the lengths of name and value, four bytes each, then both.
static inline size_t cna_headers_size(const rd_kafka_headers_t *headers) {
  const char *name;
  const void *value;
  size_t size, total = 0;
  for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
    total += 8 + strlen(name) + (value ? size : 0);
  return total;
}

static inline void cna_headers_write(const rd_kafka_headers_t *headers, uint8_t *to) {
  const char *name;
  const void *value;
  size_t size;
  for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
    uint32_t lengths[2] = {(uint32_t)strlen(name), value ? (uint32_t)size : 0};
    memcpy(to, lengths, 8);
    memcpy(to + 8, name, lengths[0]);
    if (lengths[1]) memcpy(to + 8 + lengths[0], value, lengths[1]);
    to += 8 + lengths[0] + lengths[1];
  }
}

static inline rd_kafka_headers_t *cna_headers_read(const uint8_t *bytes, size_t size, size_t count) {
  rd_kafka_headers_t *headers = rd_kafka_headers_new(count);
  for (const uint8_t *end = bytes + size; bytes < end;) {
    uint32_t lengths[2];
    memcpy(lengths, bytes, 8);
    const char *name = (const char *)bytes + 8;
    rd_kafka_header_add(headers, name, lengths[0], name + lengths[0], lengths[1]);
    bytes += 8 + lengths[0] + lengths[1];
  }
  return headers;
}

// rd_kafka_producev is variadic. Headers go in as an own list (RD_KAFKA_V_HEADERS): on an error it is still ours, while
// single headers (RD_KAFKA_V_HEADER) are freed twice in 2.0.2 when the partition does not exist (librdkafka #4628).
// Key and value are copied. A null pointer with `has_…` set is an empty one; without it there is none (a tombstone).
static inline rd_kafka_resp_err_t cna_produce(
    rd_kafka_t *handle, rd_kafka_topic_t *topic, int32_t partition,
    int has_key, const void *key, size_t key_size,
    int has_value, const void *value, size_t value_size,
    const void *headers, size_t headers_size, size_t headers_count) {
  void *key_bytes = has_key ? (void *)(key ? key : "") : NULL;
  void *value_bytes = has_value ? (void *)(value ? value : "") : NULL;
  rd_kafka_headers_t *list = headers_count ? cna_headers_read(headers, headers_size, headers_count) : NULL;
  rd_kafka_resp_err_t code = rd_kafka_producev(
      handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY(key_bytes, key_size), RD_KAFKA_V_VALUE(value_bytes, value_size), RD_KAFKA_V_HEADERS(list),
      RD_KAFKA_V_END);
  if (code && list) rd_kafka_headers_destroy(list);
  return code;
}
