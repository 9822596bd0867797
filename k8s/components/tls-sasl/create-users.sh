#!/bin/bash
# Tells Kafka who may do what: one SCRAM user a service, and no more rights than its work needs. Idempotent.
#   BOOTSTRAP=host:port create-users.sh      reads /run/secrets/admin as make-secrets.sh wrote it
set -eu
admin=/run/secrets/admin
bin=/opt/kafka/bin
export KAFKA_HEAP_OPTS="-Xms32m -Xmx128m"
kafka() { "$bin/$1.sh" --bootstrap-server "$BOOTSTRAP" --command-config "$admin/admin.properties" "${@:2}"; }

for attempt in $(seq 60); do
  [ -e "$admin/complete" ] && kafka kafka-configs --describe --entity-type users > /dev/null 2>&1 && break
  [ "$attempt" -lt 60 ] || { echo "Kafka at $BOOTSTRAP does not answer" >&2; exit 1; }
  sleep 2
done

for user in customer bookinventory order delivery gateway topics; do
  kafka kafka-configs --alter --entity-type users --entity-name "$user" --add-config-file "$admin/$user.scram"
done

S=cnabookstore
allow() { kafka kafka-acls --add "$@" > /dev/null; }
workers=(customer bookinventory order delivery)
everyone=(--allow-principal User:gateway)
for service in "${workers[@]}"; do everyone+=(--allow-principal "User:$service"); done

# The topics step makes them all and looks at what is there.
allow --allow-principal User:topics --operation Create --operation Describe --operation DescribeConfigs \
  --operation AlterConfigs --topic $S --resource-pattern-type prefixed
# Everybody looks whether all topics are there before it starts.
allow "${everyone[@]}" --operation Describe --topic $S --resource-pattern-type prefixed
# Asking and answering: requests to any service, replies, what could not be handled, heartbeats.
allow "${everyone[@]}" --operation Write --topic $S.replies --topic $S.dead-letters \
  --topic $S.telemetry $(for service in "${workers[@]}"; do echo "--topic $S.$service.requests"; done)
allow "${everyone[@]}" --operation Read --topic $S.replies --topic $S.telemetry
# The operator's commands (demo, watch, trace) call themselves so.
allow "${everyone[@]}" --operation Read --operation Describe --group tool
# A reader without a group names one all the same: its own name, which begins with the service's.
allow --allow-principal User:gateway --operation Read --operation Describe --group gateway --resource-pattern-type prefixed
for service in "${workers[@]}"; do
  # The events of all, its own inbox and its own state; its group and its transactions.
  allow --allow-principal "User:$service" --operation Read --operation Write \
    --operation DescribeConfigs --topic $S --topic $S.$service.requests --topic $S.$service.state
  allow --allow-principal "User:$service" --operation Read --operation Describe --group "$service" \
    --resource-pattern-type prefixed
  allow --allow-principal "User:$service" --operation Write --operation Describe --transactional-id "$S.$service-" \
    --resource-pattern-type prefixed
done
echo "users and rights are set"
