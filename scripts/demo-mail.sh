# Sourced by demo: mail from end to end. A customer's software logs in at a real Postfix, with the files of deploy/mail/postfix, which
# asks `clientele mail`, and sends by the customer's route to a relay. The relay is a program of deploy/local, and keeps what it gets.
# shellcheck shell=bash

# Where the relay, Postfix and `clientele mail` listen.
relay_port=18525
submission_port=18587
mail_address=127.0.0.1:18081
declare -A mail_ports=([policy]=18031 [sasl]=18032 [credentials]=18033)

# What the operator is told of it.
mail_environment=()
mail_arguments=()

# Where Postfix has its files: readable for all, for not all of it runs as root.
post=

mail_relay() {
  [ "$CLUSTER" = local ] || return 0
  if [ "$(id -u)" != 0 ]; then
    say "Mail is left out: to start Postfix takes root"
    return
  fi
  need_postfix
  if [ ! -x /usr/sbin/postfix ]; then
    say "Mail is left out: there is no Postfix"
    return
  fi
  say "A relay that keeps the mail it gets (log: .local/relay.log)"
  stop relay
  post=$(mktemp -d /tmp/clientele-demo-XXXXXX)
  chmod 755 "$post"
  [ ! -e "$state/post" ] || rm -rf "$(cat "$state/post")"
  echo "$post" >"$state/post"
  # With the credentials of examples/03-mail-route.yaml.
  begin relay "$local_tool" relay --data "$post/relay" --listen "127.0.0.1:$relay_port" \
    --username cloudhaus --password not-a-real-one
  run "listening" await_port relay "$relay_port"
  mail_environment=(SSL_CERT_FILE="$post/relay/ca.crt")
  mail_arguments=(--smtp-host=localhost --smtp-port="$submission_port" --allow-private-relays)
}

mail() {
  [ -n "$post" ] || return 0
  say "The mail route of examples/03 leads to that relay; it is tried, and Ready"
  run "route changed" kubectl patch postalroute eu-relay -n partner-cloudhaus --type merge \
    -p "{\"spec\":{\"host\":\"localhost\",\"port\":$relay_port}}"
  run "PostalRoute eu-relay" kubectl wait postalroute/eu-relay -n partner-cloudhaus --for=condition=Ready --timeout=60s
  say "clientele mail, under its own ServiceAccount (log: .local/mail.log)"
  stop mail
  mkdir -p "$post/counters"
  kubeconfig_of clientele-mail "$state/mail.kubeconfig"
  begin mail env KUBECONFIG="$state/mail.kubeconfig" target/release/clientele mail --identity=demo \
    --listen-policy="127.0.0.1:${mail_ports[policy]}" --listen-sasl="127.0.0.1:${mail_ports[sasl]}" \
    --listen-credentials="127.0.0.1:${mail_ports[credentials]}" --listen-http="$mail_address" --counters="file:$post/counters"
  run "ready" await_http mail "$mail_address"
  say "Postfix, which asks it, with deploy/mail/postfix (log: .local/postfix.log)"
  stop postfix
  postfix_files
  # In namespaces of its own for files and processes: the names of routes, which a cluster's DNS has, are in an /etc/hosts that only
  # it sees.
  begin postfix unshare --mount --pid --fork --kill-child sh -c \
    "mount --make-rprivate / && mount --bind $post/hosts /etc/hosts && /usr/sbin/postfix -c $post/etc start-fg; true"
  run "listening" await_port postfix "$submission_port"

  say "Globex may write to three recipients an hour, and its software finds a login in the Secret smtp"
  run "limited" kubectl patch customer globex -n partner-emea --type merge -p '{"spec":{"sending":{"limits":{"hourly":3}}}}'
  run "the limit is in force" kubectl wait customer/globex -n partner-emea --for=jsonpath='{.status.sending.limits.hourly}'=3 --timeout=60s
  run "its login is there" kubectl wait secret/smtp -n emea--globex --for=create --timeout=60s
  show get secret smtp -n emea--globex
  local number
  for number in 1 2 3 4; do
    letter "Offer $number"
  done
  printf '\n# what the relay has\n'
  run "three have come" await_mail 3
  grep '^by ' "$state/relay.log"
  run "its status tells it" kubectl wait customer/globex -n partner-emea --for=condition=SendLimited --timeout=60s
  show get customer globex -n partner-emea -o 'jsonpath={.status.sending}{"\n"}'
  run "not limited any more" kubectl patch customer globex -n partner-emea --type merge -p '{"spec":{"sending":null}}'
}

# Sends a message as Globex' software does, and shows what Postfix answers.
letter() {
  printf '\n# %s, from ops@globex.example to reader@example.org\n' "$1"
  # Refused is an answer too.
  { "$local_tool" send --server "localhost:$submission_port" --ca "$post/relay/ca.crt" \
    --username "$(login username)" --password "$(login password)" \
    --from ops@globex.example --to reader@example.org --subject "$1" || true; } 2>&1 | sed 's/^clientele-local: //'
}

login() { kubectl get secret smtp -n emea--globex -o "jsonpath={.data.$1}" | base64 -d; }

# The files that are shipped, with the addresses and paths of here.
postfix_files() {
  local file port
  mkdir -p "$post"/{etc,tls,queue,data}
  chown postfix "$post/data"
  cp "$post/relay/relay.crt" "$post/tls/tls.crt"
  cp "$post/relay/relay.key" "$post/tls/tls.key"
  {
    echo '127.0.0.1 localhost'
    kubectl get services -A -l clientele.dev/route \
      -o jsonpath='{range .items[?(@.spec.externalName=="localhost")]}127.0.0.1 {.metadata.name}.{.metadata.namespace}.svc{"\n"}{end}'
  } >"$post/hosts"
  local service=inet:clientele-mail.clientele-system.svc edits=()
  for port in policy=10031 sasl=10032 credentials=10033; do
    edits+=(-e "s|$service:${port#*=}|inet:127.0.0.1:${mail_ports[${port%=*}]}|")
  done
  edits+=(-e "s|/var/spool/postfix|$post/queue|" -e "s|/var/lib/postfix|$post/data|" -e "s|/etc/clientele/tls|$post/tls|g"
    -e "s|/etc/ssl/certs/ca-certificates.crt|$post/relay/ca.crt|" -e "s|^587 |127.0.0.1:$submission_port |")
  for file in main.cf master.cf; do
    sed "${edits[@]}" "deploy/mail/postfix/$file" >"$post/etc/$file"
  done
}

await_port() {
  for _ in $(seq 300); do
    runs "$1" || break
    if (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then
      return
    fi
    sleep 0.1
  done
  tail -n 30 "$state/$1.log"
  return 1
}

await_mail() {
  for _ in $(seq 300); do
    [ "$(grep -c '^by ' "$state/relay.log")" -lt "$1" ] || return 0
    sleep 0.1
  done
  tail -n 30 "$state/postfix.log"
  return 1
}
