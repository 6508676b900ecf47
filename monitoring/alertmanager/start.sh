#!/bin/sh
# start.sh [check]: write the configuration of Alertmanager from the SMTP settings, and start Alertmanager. Alertmanager
# itself does not read environment variables. With `check`, only check the configuration.
set -eu
umask 077

# Print a value as a YAML string.
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }
# Print the line `  NAME: VALUE` unless the value is empty.
option() { [ -z "$2" ] || printf '  %s: %s\n' "$1" "$(quote "$2")"; }
# Replace the semicolons outside quotes by commas. ALERT_TO accepts both, but Alertmanager accepts only commas.
separate() { printf %s "$1" | sed -E -e ':next' -e 's/^(([^";]|"[^"]*")*);/\1,/' -e 't next'; }

{
    echo global:
    option smtp_smarthost "$SMTP_HOST:$SMTP_PORT"
    option smtp_from "$ALERT_FROM"
    option smtp_hello "$SMTP_HELO_NAME"
    option smtp_auth_username "$SMTP_USER"
    option smtp_auth_password_file "$SMTP_PASSWORD_FILE"
    case $SMTP_TLS in
        none) echo "  smtp_require_tls: false" ;;
        tls)  printf '  %s\n' "smtp_force_implicit_tls: true" "smtp_require_tls: false" ;; # `require` means STARTTLS
        *)    echo "  smtp_require_tls: true" ;;
    esac
    [ -z "$SMTP_CA_FILE" ] || printf '  smtp_tls_config: {ca_file: %s}\n' "$(quote "$SMTP_CA_FILE")"
    sed "s/^\( *- to:\).*/\1 $(quote "$(separate "$ALERT_TO")" | sed 's/[\/&]/\\&/g')/" /etc/alertmanager/routes.yml
} > /tmp/alertmanager.yml
[ "${1:-}" != check ] || exec amtool check-config /tmp/alertmanager.yml
exec alertmanager --config.file=/tmp/alertmanager.yml --storage.path=/alertmanager --cluster.listen-address=
