CREATE TABLE `attempts` (
	`key` char(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`failures` int NOT NULL,
	`expires_at` bigint NOT NULL,
	CONSTRAINT `attempts_key` PRIMARY KEY(`key`)
);
--> statement-breakpoint
CREATE TABLE `audit` (
	`id` char(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`at` bigint NOT NULL,
	`event` varchar(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`actor_id` char(36) CHARACTER SET ascii COLLATE ascii_bin,
	`actor_name` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`via` varchar(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`target_kind` varchar(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`target_id` char(36) CHARACTER SET ascii COLLATE ascii_bin,
	`target_name` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`address` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`user_agent` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`request_id` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`before` text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	`after` text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	CONSTRAINT `audit_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE `codes` (
	`key` char(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`user_id` char(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`issuer_id` char(36) CHARACTER SET ascii COLLATE ascii_bin,
	`created_at` bigint NOT NULL,
	`expires_at` bigint NOT NULL,
	CONSTRAINT `codes_key` PRIMARY KEY(`key`)
);
--> statement-breakpoint
CREATE TABLE `tokens` (
	`key` char(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`id` char(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`user_id` char(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`name` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`scopes` text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`created_at` bigint NOT NULL,
	`expires_at` bigint,
	`last_used_at` bigint,
	CONSTRAINT `tokens_key` PRIMARY KEY(`key`),
	CONSTRAINT `tokens_id` UNIQUE(`id`)
);
--> statement-breakpoint
ALTER TABLE `sessions` ADD `remembered` boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `name_key` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '' NOT NULL;--> statement-breakpoint
UPDATE `users` SET `name_key` = lower(substr(`name`, 1, 64));--> statement-breakpoint
ALTER TABLE `codes` ADD CONSTRAINT `codes_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE `tokens` ADD CONSTRAINT `tokens_user_id_users_id_fk` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX `attempts_expires` ON `attempts` (`expires_at`);--> statement-breakpoint
CREATE INDEX `audit_actor` ON `audit` (`actor_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_target` ON `audit` (`target_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_event` ON `audit` (`event`,`id`);--> statement-breakpoint
CREATE INDEX `codes_user` ON `codes` (`user_id`);--> statement-breakpoint
CREATE INDEX `codes_expires` ON `codes` (`expires_at`);--> statement-breakpoint
CREATE INDEX `tokens_user` ON `tokens` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `tokens_expires` ON `tokens` (`expires_at`);--> statement-breakpoint
CREATE INDEX `users_name_key` ON `users` (`name_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_active` ON `users` (`active`,`id`);