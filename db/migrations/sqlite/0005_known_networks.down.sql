-- loses data: column attempts.blocked_until, table known_networks, column users.pending_email
DROP TABLE `known_networks`;--> statement-breakpoint
ALTER TABLE `attempts` DROP COLUMN `blocked_until`;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `pending_email`;
