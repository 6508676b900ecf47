# shellcheck shell=sh
# The API's account: it can read the tax data, nothing else. Runs once, when the volume is new.
mysql --defaults-extra-file=/dev/fd/3 --user=root 3<<OPTIONS <<SQL
[client]
password=$(cat /run/secrets/db_root_password)
OPTIONS
CREATE USER 'tax_reader'@'%' IDENTIFIED BY '$(sed "s/'/''/g" /run/secrets/db_reader_password)';
GRANT SELECT ON \`$MYSQL_DATABASE\`.* TO 'tax_reader'@'%';
SQL
