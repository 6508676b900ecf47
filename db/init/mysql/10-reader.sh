# shellcheck shell=sh
# Create the database account of the API. This account can only read the tax data. The image runs this script only on a
# new volume.
mysql --defaults-extra-file=/dev/fd/3 --user=root 3<<OPTIONS <<SQL
[client]
password=$(cat /run/secrets/db_root_password)
OPTIONS
CREATE USER 'tax_reader'@'%' IDENTIFIED BY '$(sed "s/'/''/g" /run/secrets/db_reader_password)';
GRANT SELECT ON \`$MYSQL_DATABASE\`.* TO 'tax_reader'@'%';
SQL
