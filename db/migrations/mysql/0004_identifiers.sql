ALTER TABLE `users` MODIFY COLUMN `username_key` varchar(192) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL;--> statement-breakpoint
ALTER TABLE `users` MODIFY COLUMN `email_key` varchar(762) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;--> statement-breakpoint
ALTER TABLE `users` ADD `username_search_key` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `email_search_key` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;--> statement-breakpoint
ALTER TABLE `users` ADD `password_set_by` varchar(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;--> statement-breakpoint
ALTER TABLE `users` ADD `password_set_by_id` char(36) CHARACTER SET ascii COLLATE ascii_bin;--> statement-breakpoint
ALTER TABLE `users` ADD `password_set_at` bigint;--> statement-breakpoint
CREATE INDEX `users_username_search_key` ON `users` (`username_search_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_email_search_key` ON `users` (`email_search_key`,`id`);