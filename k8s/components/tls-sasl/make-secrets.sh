#!/bin/bash
# Makes every secret of a Kafka with TLS and SCRAM: a certificate authority, the brokers' and the administrator's key
# stores, one password a service. Runs in the Kafka image, which has keytool; does nothing when all is there.
#   make-secrets.sh DIR        DIR/kafka  DIR/admin  DIR/<service>      BROKER_NAMES: what the brokers are called
set -eu
out=$1
users="customer bookinventory order delivery gateway topics"
names=${BROKER_NAMES:-localhost}
[ -e "$out/admin/complete" ] && { echo "the secrets are there already"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077
random() { head -c 30 /dev/urandom | base64 | tr -d '/+=\n'; }
random > "$work/password"
tool() { keytool "$@" -storetype PKCS12 -storepass:file "$work/password" 2>> "$work/log" || { cat "$work/log" >&2; exit 1; }; }

tool -genkeypair -alias ca -dname CN=cna-bookstore-ca -keyalg EC -groupname secp256r1 -validity 3650 \
  -ext bc:c=ca:true -ext ku:c=keyCertSign -keystore "$work/ca.p12"
tool -exportcert -rfc -alias ca -keystore "$work/ca.p12" > "$work/ca.crt"
tool -importcert -noprompt -alias ca -file "$work/ca.crt" -keystore "$work/truststore.p12"

issue() { # NAME SAN: a key pair and its certificate, signed by the authority above
  tool -genkeypair -alias "$1" -dname "CN=$1" -keyalg EC -groupname secp256r1 -validity 825 -keystore "$work/$1.p12"
  tool -certreq -alias "$1" -keystore "$work/$1.p12" > "$work/$1.csr"
  tool -gencert -rfc -alias ca -keystore "$work/ca.p12" -validity 825 -ext "san=$2" -ext eku=serverAuth,clientAuth \
    -infile "$work/$1.csr" > "$work/$1.crt"
  tool -importcert -noprompt -alias ca -file "$work/ca.crt" -keystore "$work/$1.p12"
  tool -importcert -noprompt -alias "$1" -file "$work/$1.crt" -keystore "$work/$1.p12"
}
san=dns:localhost
for name in $names; do san=$san,dns:$name; done
issue kafka "$san"
issue admin dns:admin

mkdir -p "$out/kafka" "$out/admin"
cp "$work/kafka.p12" "$out/kafka/keystore.p12"
cp "$work/truststore.p12" "$work/password" "$out/kafka/"
cp "$work/admin.p12" "$out/admin/keystore.p12"
cp "$work/truststore.p12" "$out/admin/"
cat > "$out/admin/admin.properties" <<PROPERTIES
security.protocol=SSL
ssl.keystore.location=/run/secrets/admin/keystore.p12
ssl.keystore.password=$(cat "$work/password")
ssl.truststore.location=/run/secrets/admin/truststore.p12
ssl.truststore.password=$(cat "$work/password")
PROPERTIES
for user in $users; do
  mkdir -p "$out/$user"
  random > "$out/$user/password"
  cp "$work/ca.crt" "$out/$user/ca.crt"
  printf 'SCRAM-SHA-512=iterations=8192,password=%s\n' "$(cat "$out/$user/password")" > "$out/admin/$user.scram"
  # The user of the bookstore image; where the caller is not root the files stay the caller's.
  [ "$(id -u)" -ne 0 ] || chown -R 65532:65532 "$out/$user"
done
[ "$(id -u)" -ne 0 ] || chown -R 1000:1000 "$out/kafka" "$out/admin"
touch "$out/admin/complete"
echo "made secrets for $users"
