-- loses data: table attempts, table audit, table codes, column sessions.remembered, table tokens, column users.name_key
DROP TABLE `attempts`;--> statement-breakpoint
DROP TABLE `audit`;--> statement-breakpoint
DROP TABLE `codes`;--> statement-breakpoint
DROP TABLE `tokens`;--> statement-breakpoint
DROP INDEX `users_name_key` ON `users`;--> statement-breakpoint
DROP INDEX `users_active` ON `users`;--> statement-breakpoint
ALTER TABLE `sessions` DROP COLUMN `remembered`;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `name_key`;
