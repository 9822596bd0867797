// Measures a broker with Debian's librdkafka and nothing above it.
//   gcc -O2 brokerbench.c -lrdkafka -lpthread -o brokerbench
//   brokerbench BOOTSTRAP query|write WINDOW REQUESTS PARTITIONS    request -> (one transaction) -> reply, in requests/s
//   brokerbench BOOTSTRAP produce|consume RECORDS PARTITIONS TOPIC  plain records of 200 bytes, in MB/s
//   brokerbench BOOTSTRAP create TOPIC PARTITIONS
// A write is what a worker does for it: poll a batch, begin, send the input offsets, one event and one state row per
// request, commit, replies by a second producer. A query is answered without a transaction.
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORD_BYTES 200
#define BATCH 500
#define WARM_UP 200

static const char *bootstrap;
static char requests[64], replies[64], events[64], states[64];
static int partitions;
static int is_query;

static double milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void check(rd_kafka_error_t *error, const char *what) {
    if (error) die(what, rd_kafka_error_string(error));
}

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client, (void)opaque;
    if (message->err) die("delivery", rd_kafka_err2str(message->err));
}

// The settings are pairs that end with a null.
static rd_kafka_t *make(rd_kafka_type_t type, const char *const *settings) {
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, text, sizeof text);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", text, sizeof text);
    if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    for (; *settings; settings += 2)
        if (rd_kafka_conf_set(conf, settings[0], settings[1], text, sizeof text) != RD_KAFKA_CONF_OK) die("conf", text);
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof text);
    if (!client) die("rd_kafka_new", text);
    if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(client);
    return client;
}

static void create(rd_kafka_t *client, const char *name, int count) {
    char text[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, count, 1, text, sizeof text);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20000);
    if (!event || rd_kafka_event_error(event)) die("create", name);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
}

// Whether every partition of a topic has its leader.
static int is_led(const struct rd_kafka_metadata_topic *topic) {
    for (int i = 0; i < topic->partition_cnt; i++)
        if (topic->partitions[i].err || topic->partitions[i].leader < 0) return 0;
    return !topic->err && topic->partition_cnt > 0;
}

// A topic just created may not be there yet, and the first record to one nobody has asked about would wait a second for
// its metadata: asks until all of it is known.
static void warm(rd_kafka_t *client, const char *name) {
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    double deadline = milliseconds() + 20000;
    for (int known = 0; !known; usleep(known ? 0 : 10000)) {
        const struct rd_kafka_metadata *metadata;
        if (milliseconds() > deadline || rd_kafka_metadata(client, 0, topic, &metadata, 10000)) die("metadata", name);
        known = metadata->topic_cnt == 1 && is_led(&metadata->topics[0]);
        rd_kafka_metadata_destroy(metadata);
    }
}

static void send_record(rd_kafka_t *producer, const char *topic, int partition, const void *value, size_t size) {
    while (rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY("k", 1),
                             RD_KAFKA_V_VALUE((void *)value, size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(producer, 10);
}

static void write_batch(rd_kafka_t *producer, rd_kafka_t *consumer, rd_kafka_message_t **batch, int count) {
    static char row[150];
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *place =
            rd_kafka_topic_partition_list_find(offsets, requests, batch[i]->partition);
        if (!place) place = rd_kafka_topic_partition_list_add(offsets, requests, batch[i]->partition);
        place->offset = batch[i]->offset + 1;
    }
    check(rd_kafka_begin_transaction(producer), "begin");
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    check(rd_kafka_send_offsets_to_transaction(producer, offsets, group, 10000), "offsets");
    for (int i = 0; i < count; i++) {
        send_record(producer, events, batch[i]->partition, batch[i]->payload, batch[i]->len);
        send_record(producer, states, batch[i]->partition, row, sizeof row);
    }
    check(rd_kafka_commit_transaction(producer, 10000), "commit");
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
}

static void *work(void *argument) {
    static rd_kafka_message_t *batch[BATCH];
    const char *transactional[] = {"transactional.id", events, "retry.backoff.ms", "5", NULL};
    const char *plain[] = {"linger.ms", "0", "enable.idempotence", "true", NULL};
    const char *group[] = {"group.id", requests, "enable.auto.commit", "false", "enable.auto.offset.store", "false",
                           "auto.offset.reset", "earliest", "fetch.wait.max.ms", "50", "isolation.level",
                           "read_committed", NULL};
    rd_kafka_t *producer = make(RD_KAFKA_PRODUCER, transactional);
    rd_kafka_t *answers = make(RD_KAFKA_PRODUCER, plain);
    rd_kafka_t *consumer = make(RD_KAFKA_CONSUMER, group);
    (void)argument;
    warm(producer, events);
    warm(producer, states);
    warm(answers, replies);
    warm(consumer, requests);
    check(rd_kafka_init_transactions(producer, 30000), "init");
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, requests, RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(consumer, topics);
    for (;;) {
        int count = 0;
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        while (message) {
            if (message->err) rd_kafka_message_destroy(message);
            else batch[count++] = message;
            message = count < BATCH ? rd_kafka_consumer_poll(consumer, 0) : NULL;
        }
        if (count && !is_query) write_batch(producer, consumer, batch, count);
        for (int i = 0; i < count; i++) {
            send_record(answers, replies, 0, batch[i]->payload, batch[i]->len);
            rd_kafka_message_destroy(batch[i]);
        }
        rd_kafka_poll(answers, 0);
    }
    return NULL;
}

static int ascending(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static void round_trips(int window, int count) {
    snprintf(requests, sizeof requests, "bench%d.requests", getpid());
    snprintf(replies, sizeof replies, "bench%d.replies", getpid());
    snprintf(events, sizeof events, "bench%d.events", getpid());
    snprintf(states, sizeof states, "bench%d.states", getpid());
    rd_kafka_t *producer = make(RD_KAFKA_PRODUCER, (const char *[]){"linger.ms", "0", "enable.idempotence", "true", NULL});
    rd_kafka_t *consumer = make(RD_KAFKA_CONSUMER, (const char *[]){"group.id", "none", "fetch.wait.max.ms", "50", NULL});
    create(producer, requests, partitions);
    create(producer, replies, 1);
    create(producer, events, partitions);
    create(producer, states, partitions);
    warm(producer, requests);
    warm(consumer, replies);
    rd_kafka_topic_partition_list_t *places = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(places, replies, 0)->offset = 0;
    rd_kafka_assign(consumer, places);
    pthread_t worker;
    pthread_create(&worker, NULL, work, NULL);

    double *took = malloc(count * sizeof *took), start = 0;
    int sent = 0, received = 0;
    char value[RECORD_BYTES] = {0};
    while (received < count + WARM_UP) {
        // One at a time until everything is connected and assigned; then the window.
        int allowed = received < WARM_UP ? 1 : window;
        while (sent - received < allowed && sent < count + WARM_UP) {
            double now = milliseconds();
            if (sent == WARM_UP) start = now;
            memcpy(value, &now, sizeof now);
            memcpy(value + sizeof now, &sent, sizeof sent);
            send_record(producer, requests, sent % partitions, value, sizeof value);
            sent++;
        }
        rd_kafka_poll(producer, 0);
        rd_kafka_message_t *reply = rd_kafka_consumer_poll(consumer, 100);
        if (!reply) continue;
        if (!reply->err) {
            double asked;
            int number;
            memcpy(&asked, reply->payload, sizeof asked);
            memcpy(&number, (char *)reply->payload + sizeof asked, sizeof number);
            if (number >= WARM_UP) took[number - WARM_UP] = milliseconds() - asked;
            received++;
        }
        rd_kafka_message_destroy(reply);
    }
    double total = milliseconds() - start;
    qsort(took, count, sizeof *took, ascending);
    printf("%.0f req/s p50 %.2f ms p99 %.2f ms\n", count * 1e3 / total, took[count / 2], took[count * 99 / 100]);
}

static void produce(int count, const char *topic) {
    rd_kafka_t *producer = make(RD_KAFKA_PRODUCER, (const char *[]){"linger.ms", "5", "enable.idempotence", "true",
                                                                    "queue.buffering.max.messages", "200000", NULL});
    char value[RECORD_BYTES];
    memset(value, 'v', sizeof value);
    warm(producer, topic);
    double start = milliseconds();
    for (int i = 0; i < count; i++) {
        send_record(producer, topic, i / 1000 % partitions, value, sizeof value);
        if (i % 1000 == 0) rd_kafka_poll(producer, 0);
    }
    while (rd_kafka_outq_len(producer)) rd_kafka_poll(producer, 10);
    printf("%.1f MB/s\n", count * (double)RECORD_BYTES / 1e3 / (milliseconds() - start));
}

static void consume(int count, const char *topic) {
    rd_kafka_t *consumer =
        make(RD_KAFKA_CONSUMER, (const char *[]){"group.id", "none", "fetch.wait.max.ms", "50", "check.crcs", "true", NULL});
    rd_kafka_topic_partition_list_t *places = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++) rd_kafka_topic_partition_list_add(places, topic, i)->offset = 0;
    rd_kafka_assign(consumer, places);
    double start = milliseconds();
    for (int seen = 0; seen < count;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 1000);
        if (!message) continue;
        if (!message->err) seen++;
        rd_kafka_message_destroy(message);
    }
    printf("%.1f MB/s\n", count * (double)RECORD_BYTES / 1e3 / (milliseconds() - start));
}

int main(int count, char **arguments) {
    if (count < 5) die("usage", "see the top of brokerbench.c");
    bootstrap = arguments[1];
    const char *mode = arguments[2];
    if (!strcmp(mode, "create")) {
        rd_kafka_t *client = make(RD_KAFKA_PRODUCER, (const char *[]){NULL});
        create(client, arguments[3], atoi(arguments[4]));
        warm(client, arguments[3]);
    } else if (!strcmp(mode, "query") || !strcmp(mode, "write")) {
        is_query = !strcmp(mode, "query");
        partitions = atoi(arguments[5]);
        round_trips(atoi(arguments[3]), atoi(arguments[4]));
    } else {
        partitions = atoi(arguments[4]);
        if (!strcmp(mode, "produce")) produce(atoi(arguments[3]), arguments[5]);
        else consume(atoi(arguments[3]), arguments[5]);
    }
    fflush(stdout);
    _exit(0);
}
