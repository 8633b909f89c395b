-- loses data: column users.username_search_key, column users.email_search_key, column users.password_set_by, column users.password_set_by_id, column users.password_set_at
DROP INDEX `users_username_search_key` ON `users`;--> statement-breakpoint
DROP INDEX `users_email_search_key` ON `users`;--> statement-breakpoint
ALTER TABLE `users` MODIFY COLUMN `username_key` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL;--> statement-breakpoint
ALTER TABLE `users` MODIFY COLUMN `email_key` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `username_search_key`;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `email_search_key`;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `password_set_by`;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `password_set_by_id`;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `password_set_at`;
