-- loses data: column codes.issuer_token_id, column groups.rights_version, table guards, column users.rights_version
DROP TABLE `guards`;--> statement-breakpoint
ALTER TABLE `codes` DROP COLUMN `issuer_token_id`;--> statement-breakpoint
ALTER TABLE `groups` DROP COLUMN `rights_version`;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `rights_version`;
