package schemas

import "embed"

// Migrations holds ClickHouse's tables as goose migrations, in the folder
// migrations.
//
//go:embed migrations/*.sql
var Migrations embed.FS
