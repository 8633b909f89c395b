CREATE TABLE `known_networks` (
	`key` char(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`user_id` char(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`expires_at` bigint NOT NULL,
	CONSTRAINT `known_networks_key` PRIMARY KEY(`key`)
);
--> statement-breakpoint
ALTER TABLE `attempts` ADD `blocked_until` bigint;--> statement-breakpoint
ALTER TABLE `users` ADD `pending_email` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;--> statement-breakpoint
ALTER TABLE `known_networks` ADD CONSTRAINT `known_networks_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `known_networks_user` ON `known_networks` (`user_id`);--> statement-breakpoint
CREATE INDEX `known_networks_expires` ON `known_networks` (`expires_at`);